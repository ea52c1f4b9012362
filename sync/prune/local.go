package prune

import (
	"context"
	"errors"
	"strings"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/image"
)

// AtHome is the images of a stock on this machine whose names begin with a
// prefix; the rest of the name is their tag. What no name needs is removed with
// the last one that did.
func AtHome(place string, stock image.Stock, prefix string) Shelf {
	return home{place: place, stock: stock, prefix: prefix}
}

type home struct {
	place  string // as users write it, "oci:PATH"
	stock  image.Stock
	prefix string
}

func (h home) Reference(identifier string) string {
	separator := ":"
	if strings.HasSuffix(h.place, "]") || strings.HasSuffix(h.place, ":") {
		separator = "" // containers-storage:[driver@root]NAME
	}
	return h.place + separator + h.prefix + identifier
}

func (h home) Tags(context.Context) ([]string, error) {
	names, err := h.stock.Names()
	var tags []string
	for _, name := range names {
		if tag, ok := strings.CutPrefix(name, h.prefix); ok {
			tags = append(tags, tag)
		}
	}
	return tags, err
}

func (h home) Resolve(ctx context.Context, identifier string) (digest.Digest, error) {
	if _, err := digest.Parse(identifier); err == nil {
		return "", fault.New(fault.NotFound, errors.New("images are known by their names here"))
	}
	there, err := h.stock.Look(ctx, h.prefix+identifier)
	return there.Digest, err
}

func (h home) Read(ctx context.Context, identifier string) (Entry, error) {
	there, err := h.Resolve(ctx, identifier)
	return Entry{Digest: there}, err
}

func (home) Referrers(context.Context, digest.Digest) ([]digest.Digest, error) { return nil, nil }

func (h home) DeleteTag(ctx context.Context, tag string) error {
	return h.stock.Remove(ctx, h.prefix+tag)
}

func (home) DeleteManifest(context.Context, digest.Digest) error { return nil }
func (home) Collects() bool                                      { return true }
