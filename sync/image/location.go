package image

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/transports"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/layout"
	"csync/sync/registry"
)

// Location is one image at one side of a step.
type Location struct {
	// Reference is what the user means, for messages, policy, and as the way
	// in for every transport but docker.
	Reference types.ImageReference
	// Repository is the way in for docker references; nil for the rest, as
	// [Location.Remote] tells.
	Repository *registry.Repository
	// System configures the library's own transports, and says which instance of
	// an index is looked at.
	System *types.SystemContext
	// exclusive is held while the library writes to something that several
	// images share, an OCI layout's index.json for one; nil where nothing is.
	exclusive *sync.Mutex
	// begin gives the reference to write to where that is not Reference itself:
	// an archive is written as something else. nil: Reference.
	begin func() (types.ImageReference, error)
	// look tells what is there where that takes no opening. nil: nothing does.
	look func(ctx context.Context) (v1.Descriptor, error)
	// inside is the way into an OCI layout, packed or not; nil for all others.
	inside *inside
	// obstacle says what keeps an image from being written, whether or not one
	// that is there may be replaced. nil: nothing does.
	obstacle func(replace bool) error
}

// Remote is an image in a registry: a tag or a digest of one of its repositories.
type Remote struct {
	*registry.Repository
	// Identifier is the tag or the digest, the distribution spec's <reference>.
	Identifier string
}

// Remote is the way to a location in a registry; ok is false for all others.
func (l Location) Remote() (remote Remote, ok bool) {
	if l.Repository == nil {
		return Remote{}, false
	}
	return Remote{l.Repository, l.Identifier()}, true
}

// InRegistry is the location of a tag or a digest of a repository.
func InRegistry(repository *registry.Repository, identifier string) (Location, error) {
	var named reference.Named
	var err error
	if d, invalid := digest.Parse(identifier); invalid == nil {
		named, err = reference.WithDigest(repository.Name(), d)
	} else {
		named, err = reference.WithTag(repository.Name(), identifier)
	}
	if err != nil {
		return Location{}, fault.New(fault.Input, fmt.Errorf("%s:%s: %w", repository.Name(), identifier, err))
	}
	ref, err := docker.NewReference(named)
	return Location{Reference: ref, Repository: repository}, err
}

// Beside is another tag or digest of the repository of a location that has a
// [Shelf].
func (l Location) Beside(identifier string) (Location, error) {
	if l.inside != nil {
		return l.inside.named(layout.Join(l.inside.Path(), identifier))
	}
	return InRegistry(l.Repository, identifier)
}

// Writable says what keeps an image from being written to the location, as far
// as looking tells: of a directory, that it is neither empty nor an image, with
// the kind conflict, or cannot be read.
func (l Location) Writable() error { return l.allows(true) }

// Vacant is Writable where nothing may be replaced: a directory must not exist,
// as skopeo has it.
func (l Location) Vacant() error { return l.allows(false) }

func (l Location) allows(replace bool) error {
	if l.obstacle == nil {
		return nil
	}
	return l.obstacle(replace)
}

// Single reports whether the location keeps one platform of an image, in a
// format of its own: never an index, and no digest that a registry has seen.
func (l Location) Single() bool {
	switch l.Reference.Transport().Name() {
	case "docker-archive", "docker-daemon", "containers-storage":
		return true
	}
	return false
}

// of is the location's reference for one of the manifests behind it: where the
// image is known by a digest, that manifest is by its own, and else by the tag.
func (l Location) of(d digest.Digest) (types.ImageReference, error) {
	if known := l.Reference.DockerReference(); known == nil || l.Digested() == "" || l.Digested() == d {
		return l.Reference, nil
	}
	named, err := reference.WithDigest(reference.TrimNamed(l.Reference.DockerReference()), d)
	if err != nil {
		return nil, fault.New(fault.Internal, err)
	}
	return docker.NewReference(named)
}

// isDirectory reports whether the location is a directory of dir:.
func (l Location) isDirectory() bool {
	return l.Reference.Transport().Name() == directory.Transport.Name()
}

// isLayout reports whether the location is in an OCI layout, packed or not.
func (l Location) isLayout() bool {
	return reading[l.Reference.Transport().Name()] != nil
}

// Keeper is equal for locations that keep each blob once for all of them: those
// of a layout.
func (l Location) Keeper() string {
	if !l.isLayout() {
		return l.String()
	}
	path, _, _ := strings.Cut(l.Reference.StringWithinTransport(), ":")
	return l.Reference.Transport().Name() + ":" + path
}

// String is the location as users write it, "docker://q.io/a/b:1".
func (l Location) String() string {
	if l.Reference == nil {
		return ""
	}
	return transports.ImageName(l.Reference)
}

// writable is the reference to write to.
func (l Location) writable() (types.ImageReference, error) {
	if l.begin == nil {
		return l.Reference, nil
	}
	return l.begin()
}

// Identifier is the tag or the digest of a docker reference, as the
// distribution spec's <reference>.
func (l Location) Identifier() string {
	named := l.Reference.DockerReference()
	if digested, ok := named.(reference.Digested); ok {
		return digested.Digest().String()
	}
	if tagged, ok := named.(reference.Tagged); ok {
		return tagged.Tag()
	}
	return ""
}

// Digested is the digest a docker reference names, or "".
func (l Location) Digested() digest.Digest {
	if digested, ok := l.Reference.DockerReference().(reference.Digested); ok {
		return digested.Digest()
	}
	return ""
}
