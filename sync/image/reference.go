package image

import (
	"context"

	"go.podman.io/image/v5/types"
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
