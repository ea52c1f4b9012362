package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// pooledReference is a docker reference, with its policy identity, whose source
// or destination is ours instead of the library's: one that uses the pooled
// client of the run.
type pooledReference struct {
	types.ImageReference
	source      *registrySource
	destination *registryDestination
}

func (r pooledReference) NewImageSource(context.Context, *types.SystemContext) (types.ImageSource, error) {
	return r.source, nil
}

func (r pooledReference) NewImageDestination(context.Context, *types.SystemContext) (types.ImageDestination, error) {
	return r.destination, nil
}

// plannedReference is a docker reference that the library reads under the name
// that the user gave it, so that the policy and signatures are that name's, and
// only as long as it names what was planned.
type plannedReference struct {
	types.ImageReference
	location Location
	planned  digest.Digest
}

// NewImageSource relies on the library's source reading the manifest once.
func (r plannedReference) NewImageSource(ctx context.Context, sys *types.SystemContext) (types.ImageSource, error) {
	source, err := r.ImageReference.NewImageSource(ctx, sys)
	if err != nil {
		return nil, r.at(kindOf(r.location, err))
	}
	if err := r.check(ctx, source); err != nil {
		return nil, r.at(errors.Join(err, source.Close()))
	}
	return source, nil
}

func (r plannedReference) check(ctx context.Context, source types.ImageSource) error {
	bytes, _, err := source.GetManifest(ctx, nil)
	if err != nil {
		return kindOf(r.location, err)
	}
	is, err := manifest.MatchesDigest(bytes, r.planned)
	if err == nil && !is {
		err = fault.WithRemedy(fault.Conflict, fmt.Errorf("the tag has moved since it was planned, from %s", r.planned), "run again")
	}
	return err
}

func (r plannedReference) at(err error) error {
	return fault.At(fault.Source, r.location.String(), err)
}
