package image

import (
	"context"
	"io"
	"sync/atomic"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Blob is a blob that an image needs in the destination repository.
type Blob struct {
	v1.Descriptor // Size is -1 where the manifest does not say
	Destination   *registry.Repository
	// Source is a repository that has it and may be mounted from; nil: none.
	Source *registry.Repository
	// Open reads it from its beginning, and only if it has to be read. It may
	// be called again after a failure unless Once is set.
	Open func(ctx context.Context) (io.ReadCloser, error)
	Once bool
	// Fresh says that the destination repository had nothing when the run was
	// planned, so that there is no use in asking it.
	Fresh bool
}

// Mover makes blobs be where they are needed, each moved once for a registry.
type Mover interface {
	// Move returns when the blob is in its destination repository. Its errors
	// say on which side they happened.
	Move(ctx context.Context, blob Blob) error
}

// transfer is one image on its way between two registries: blobs at the same
// time, every manifest after what it needs, the one with the tag last.
type transfer struct {
	source          *registrySource
	destination     Location
	mover           Mover
	fresh           bool
	written, reused atomic.Int64 // bytes of manifests; and of what was there already
}

// push writes the whole image under the destination's tag or digest.
func (x *transfer) push(ctx context.Context) error {
	return x.write(ctx, x.source.root, x.destination.Identifier())
}

func (x *transfer) write(ctx context.Context, t *tree, identifier string) error {
	present, err := x.present(ctx, t)
	if err != nil {
		return err
	}
	if present {
		x.reused.Add(t.size())
	} else if err := x.fill(ctx, t); err != nil {
		return err
	}
	if present && identifier == t.manifest.Digest.String() {
		return nil
	}
	if err := x.destination.Repository.PutManifest(ctx, identifier, t.manifest); err != nil {
		return x.atDestination(err)
	}
	x.written.Add(t.manifest.Size)
	return nil
}

// fill brings everything that t's manifest refers to.
func (x *transfer) fill(ctx context.Context, t *tree) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, blob := range t.blobs {
		group.Go(func() error {
			return x.mover.Move(ctx, Blob{
				Descriptor: blob, Destination: x.destination.Repository, Source: x.source.location.Repository,
				Open: func(ctx context.Context) (io.ReadCloser, error) { return x.source.open(ctx, blob) }, Fresh: x.fresh,
			})
		})
	}
	for _, child := range t.children {
		group.Go(func() error { return x.write(ctx, child, child.manifest.Digest.String()) })
	}
	return group.Wait()
}

// present reports whether the repository has the manifest, under whatever name,
// and so everything below it.
func (x *transfer) present(ctx context.Context, t *tree) (bool, error) {
	if x.fresh {
		return false, nil
	}
	_, err := x.destination.Repository.Resolve(ctx, t.manifest.Digest.String())
	switch {
	case err == nil:
		return true, nil
	case fault.Is(err, fault.Cancelled):
		return false, err
	}
	// Whatever else is wrong, the write will say it better: a robot account
	// may be refused the read of what it may create.
	return false, nil
}

func (x *transfer) atDestination(err error) error {
	return fault.At(fault.Destination, x.destination.String(), err)
}
