package keep

import (
	"context"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/layout"
)

// Image is what became of an image in a run.
type Image struct {
	Name   string // of its source
	Digest digest.Digest
	// Wanted says that what was read of it is to stay.
	Wanted bool
}

// Settle lists the images that are to stay, and removes what neither those nor the
// ones that other runs have left need. Whoever wants an image wins.
func (s *Store) Settle(ctx context.Context, images []Image) error {
	wanted := map[digest.Digest]bool{}
	for _, image := range images {
		wanted[image.Digest] = wanted[image.Digest] || image.Wanted
	}
	gone := map[string]bool{}
	for _, image := range images {
		if !wanted[image.Digest] {
			gone[image.Name], gone[image.Digest.String()] = true, true
		}
	}
	err := s.Remove(func(d v1.Descriptor) bool { return gone[layout.Name(d)] || gone[d.Digest.String()] })
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	for _, image := range images {
		if image.Wanted {
			err = s.list(ctx, image)
			if err != nil {
				return err
			}
		}
	}
	return s.Sweep()
}

// list makes an image an entry, as far as it was read.
func (s *Store) list(ctx context.Context, image Image) error {
	repository, identifier := layout.Split(image.Name)
	kept := s.Repository(repository)
	m, err := kept.Manifest(ctx, image.Digest.String())
	if err != nil {
		return nil //nolint:nilerr // nothing was read of it
	}
	return kept.PutManifest(ctx, identifier, m)
}
