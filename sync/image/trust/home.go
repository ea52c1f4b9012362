package trust

import (
	"context"
	"net/url"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/types"
	"golang.org/x/sync/errgroup"

	"csync/sync/registry"
)

// Homes finds where the signatures of registries' images are kept. It is safe
// for concurrent use.
type Homes struct {
	// System says where the files of containers-registries.d(5) are.
	System *types.SystemContext
	// Fetch reads what a lookaside has at a URL, at most limit bytes. The error
	// has the kind not-found where that is nothing.
	Fetch func(ctx context.Context, at *url.URL, limit int64) ([]byte, error)

	once       sync.Once
	configured *registriesD
	failed     error
}

// Home is where the signatures of a repository's images are kept.
type Home struct {
	repository  *registry.Repository
	read        lookaside
	written     lookaside
	attachments bool
}

// Of is the home of a repository's signatures, for an image that ref names.
func (h *Homes) Of(ref types.ImageReference, repository *registry.Repository) (*Home, error) {
	h.once.Do(func() { h.configured, h.failed = readRegistriesD(h.System) })
	if h.failed != nil {
		return nil, h.failed
	}
	read, err := h.configured.lookaside(ref, false)
	if err != nil {
		return nil, err
	}
	written, err := h.configured.lookaside(ref, true)
	if err != nil {
		return nil, err
	}
	read.fetch, written.fetch = h.Fetch, h.Fetch
	return &Home{repository: repository, read: read, written: written, attachments: h.configured.attachments(ref)}, nil
}

// Signatures are those of a manifest of the repository: simple ones first.
func (h *Home) Signatures(ctx context.Context, of digest.Digest) ([]Signature, error) {
	return h.signatures(ctx, of, h.read, 1)
}

// Written are the signatures that have been written of a manifest, which may
// not be where they are read yet.
func (h *Home) Written(ctx context.Context, of digest.Digest) ([]Signature, error) {
	return h.signatures(ctx, of, h.written, 1)
}

// Possible reports whether there may be any signature at all.
func (h *Home) Possible() bool { return h.attachments || h.read.possible() }

func (h *Home) signatures(ctx context.Context, of digest.Digest, at lookaside, expected int) ([]Signature, error) {
	var simple, attached []Signature
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		simple, err = at.signatures(ctx, of, expected)
		return err
	})
	group.Go(func() (err error) {
		attached, err = h.attached(ctx, of)
		return err
	})
	err := group.Wait()
	return append(simple, attached...), err
}

// Keeper is where signatures are written.
type Keeper interface {
	// Written are the signatures of a manifest that are there.
	Written(ctx context.Context, of digest.Digest) ([]Signature, error)
}

// Missing are the signatures that a source has of a manifest and a keeper lacks,
// behind what the keeper has.
func Missing(ctx context.Context, of digest.Digest, keeper Keeper, source Store) (has, missing []Signature, err error) {
	if has, err = keeper.Written(ctx, of); err != nil {
		return nil, nil, err
	}
	var there []Signature
	if from, known := source.(*Home); known {
		there, err = from.signatures(ctx, of, from.read, len(has)) // as many as there are here
	} else {
		there, err = source.Signatures(ctx, of)
	}
	for _, s := range there {
		if !slices.ContainsFunc(has, func(other Signature) bool { return string(other) == string(s) }) {
			missing = append(missing, s)
		}
	}
	return has, missing, err
}

// Add keeps further signatures of a manifest, behind those that the home has.
// written is the number of bytes that went to the registry.
func (h *Home) Add(ctx context.Context, of digest.Digest, has, more []Signature) (written int64, err error) {
	simple := func(s Signature) bool { return !s.Sigstore() }
	if added := slices.DeleteFunc(slices.Clone(more), Signature.Sigstore); len(added) > 0 {
		before := len(slices.DeleteFunc(slices.Clone(has), Signature.Sigstore))
		if err := h.written.add(of, before, added); err != nil {
			return 0, err
		}
	}
	if attached := slices.DeleteFunc(slices.Clone(more), simple); len(attached) > 0 {
		return h.attach(ctx, of, attached)
	}
	return 0, nil
}
