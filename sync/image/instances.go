package image

import (
	"context"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// copyInstances copies the instances that a filter keeps of an index with the
// library's docker transport, each by its digest with its signatures, and then
// the index that was planned: the tag moves last and once, which copy.Image could
// only make name an index of its own.
func (c *Copier) copyInstances(ctx context.Context, request Request, original *Original, source plannedReference) (Copied, error) {
	planned := original.source.root
	if err := c.admitInstances(ctx, source, planned.Children); err != nil {
		return Copied{}, libraryFault(request, err)
	}
	// What the policy admitted under the user's reference has other ones now.
	admitted := Copier{Policy: AcceptAnything(), RemoveSignatures: c.RemoveSignatures, Log: c.Log}
	for _, child := range planned.Children {
		options := &copy.Options{
			ImageListSelection: copy.CopyAllImages, PreserveDigests: true,
			SourceCtx: request.Source.System, DestinationCtx: request.Destination.System,
		}
		if _, err := admitted.copyInstance(ctx, request, child.Manifest.Digest, options); err != nil {
			return Copied{}, libraryFault(request, err)
		}
	}
	err := request.Destination.Repository.PutManifest(ctx, request.Destination.Identifier(), planned.Manifest)
	return Copied{Manifest: planned.Manifest.Descriptor, Verified: err == nil}, fault.At(fault.Destination, request.Destination.String(), err)
}

func (c *Copier) copyInstance(ctx context.Context, request Request, d digest.Digest, options *copy.Options) (v1.Descriptor, error) {
	source, err := byDigest(request.Source, d)
	if err != nil {
		return v1.Descriptor{}, err
	}
	destination, err := byDigest(request.Destination, d)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return c.run(ctx, destination, source, options)
}

// byDigest is a manifest of the location's repository.
func byDigest(l Location, d digest.Digest) (types.ImageReference, error) {
	named, err := reference.WithDigest(reference.TrimNamed(l.Reference.DockerReference()), d)
	if err != nil {
		return nil, err
	}
	return docker.NewReference(named)
}
