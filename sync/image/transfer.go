package image

import (
	"context"
	"io"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
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
	// Instance returns when a manifest that the image needs is in its destination
	// repository. It calls write unless another image has brought it; write
	// reports whether there was anything to do.
	Instance(ctx context.Context, manifest Blob, write func(context.Context) (bool, error)) error
	// Found says, for the record, that the repository has a blob, or with manifest
	// set a manifest, that the image needs.
	Found(blob Blob, manifest bool)
}

// transfer is one image on its way between two registries: blobs at the same
// time, every manifest after what it needs, the one with the tag last.
type transfer struct {
	source      *registrySource
	destination Location
	mover       Mover
	fresh       bool
}

// push writes the whole image under the destination's tag or digest.
func (x *transfer) push(ctx context.Context) error {
	root := x.source.root
	if _, err := x.provide(ctx, root); err != nil {
		return err
	}
	return x.put(ctx, root, x.destination.Identifier())
}

// provide brings everything that t's manifest refers to, unless the repository
// has the manifest, under whatever name.
func (x *transfer) provide(ctx context.Context, t *content.Tree) (present bool, err error) {
	if present, err = x.present(ctx, t); err != nil {
		return false, err
	}
	if present {
		x.found(t)
		return true, nil
	}
	return false, x.fill(ctx, t)
}

// instance writes an instance of an index under its digest.
func (x *transfer) instance(ctx context.Context, t *content.Tree) error {
	mine := false
	err := x.mover.Instance(ctx, x.blob(t.Manifest.Descriptor), func(ctx context.Context) (bool, error) {
		mine = true
		present, err := x.provide(ctx, t)
		if present || err != nil {
			return false, err
		}
		return true, x.put(ctx, t, t.Manifest.Digest.String())
	})
	if err == nil && !mine {
		x.found(t)
	}
	return err
}

// found says that everything below t is there.
func (x *transfer) found(t *content.Tree) {
	for _, blob := range t.Blobs {
		x.mover.Found(x.blob(blob), false)
	}
	for _, child := range t.Children {
		x.mover.Found(x.blob(child.Manifest.Descriptor), true)
		x.found(child)
	}
}

func (x *transfer) put(ctx context.Context, t *content.Tree, identifier string) error {
	return x.atDestination(x.destination.Repository.PutManifest(ctx, identifier, t.Manifest))
}

// blob is a blob of the image on its way.
func (x *transfer) blob(d v1.Descriptor) Blob {
	return Blob{
		Descriptor: d, Destination: x.destination.Repository, Source: x.source.location.Repository,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return x.source.open(ctx, d) }, Fresh: x.fresh,
	}
}

// fill brings everything that t's manifest refers to.
func (x *transfer) fill(ctx context.Context, t *content.Tree) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, blob := range t.Blobs {
		group.Go(func() error { return x.mover.Move(ctx, x.blob(blob)) })
	}
	for _, child := range t.Children {
		group.Go(func() error { return x.instance(ctx, child) })
	}
	return group.Wait()
}

// present reports whether the repository has the manifest, under whatever name,
// and so everything below it.
func (x *transfer) present(ctx context.Context, t *content.Tree) (bool, error) {
	if x.fresh {
		return false, nil
	}
	_, err := x.destination.Repository.Resolve(ctx, t.Manifest.Digest.String())
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
