package content

import (
	"context"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/registry"
)

// Shelf is a [Source] that can be asked for a manifest without reading it.
type Shelf interface {
	Source
	// Resolve is the manifest that a tag or a digest names. The error has the
	// kind not-found where there is none.
	Resolve(ctx context.Context, identifier string) (v1.Descriptor, error)
}

// Complete reports whether the shelf has every instance of an index that it has,
// and theirs, whatever the depth. The error has the kind not-found where one is
// missing.
func Complete(ctx context.Context, shelf Shelf, index registry.Manifest) error {
	return (&inventory{shelf: shelf}).take(ctx, index, 1)
}

// inventory counts what it asks for.
type inventory struct {
	shelf Shelf
	bound
}

func (i *inventory) take(ctx context.Context, index registry.Manifest, depth int) error {
	doc, err := parseDocument(index)
	if err != nil {
		return err
	}
	if err := i.enter(index.Digest, depth, len(doc.Manifests)); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLoads)
	for _, entry := range doc.Manifests {
		if IsManifest(entry.MediaType) {
			group.Go(func() error { return i.entry(ctx, entry, depth) })
		}
	}
	return group.Wait()
}

func (i *inventory) entry(ctx context.Context, entry v1.Descriptor, depth int) error {
	if !IsIndex(entry.MediaType) {
		_, err := i.shelf.Resolve(ctx, entry.Digest.String())
		return err
	}
	nested, err := i.shelf.Manifest(ctx, entry.Digest.String())
	if err != nil {
		return err
	}
	return i.take(ctx, nested, depth+1)
}
