package image

import (
	"context"
	"io"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/registry"
)

// Blob is a blob that an image needs in the destination repository.
type Blob struct {
	v1.Descriptor // Size is -1 where the manifest does not say
	Destination   *registry.Repository
	// Source is a repository that has it and may be mounted from; nil: none.
	Source *registry.Repository
	// Open reads it from its beginning, and only if it has to be read, again after
	// a failure.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Held says that Open gives what is here already, or is counted as it comes:
	// it is not to be read once for several registries.
	Held bool
	// Fresh says that the destination repository had nothing when the run was
	// planned, so that there is no use in asking it.
	Fresh bool
}

// Mover makes blobs be where they are needed, each moved once for a registry.
type Mover interface {
	// Move returns when the blob is in its destination repository. Its errors
	// say on which side they happened.
	Move(ctx context.Context, blob Blob) error
	// Read opens a blob that is needed here as well.
	Read(ctx context.Context, blob Blob) (io.ReadCloser, error)
	// Instance returns when a manifest that the image needs is in its destination
	// repository. It calls write unless another image has brought it; write
	// reports whether there was anything to do.
	Instance(ctx context.Context, manifest Blob, write func(context.Context) (bool, error)) error
	// Push is Instance for the image's own manifest, which each of its tags counts
	// for itself.
	Push(ctx context.Context, manifest Blob, write func(context.Context) error) error
	// Found says, for the record, that the repository has a blob, or with manifest
	// set a manifest, that the image needs.
	Found(blob Blob, manifest bool)
}
