package image

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Complete reports whether a registry has every instance of the index at the
// location; an image that is none is complete if it is there. The error has the
// kind not-found where an instance is missing.
func Complete(ctx context.Context, l Location) error {
	there, err := Look(ctx, l)
	if err != nil || l.Repository == nil || !isIndex(there.MediaType) {
		return err
	}
	m, err := l.Repository.Manifest(ctx, there.Digest.String())
	if err != nil {
		return err
	}
	doc, err := parseDocument(m)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, child := range doc.Manifests {
		if !isManifest(child.MediaType) {
			continue
		}
		group.Go(func() error {
			if _, err := l.Repository.Resolve(ctx, child.Digest.String()); err != nil {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}
