package content

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Source is where the parts of an image are kept. A *[registry.Repository] is
// one.
type Source interface {
	// Manifest reads the manifest that a tag or a digest names. The error has
	// the kind not-found where there is none.
	Manifest(ctx context.Context, identifier string) (registry.Manifest, error)
	// Blob opens a blob, whose bytes the reader has still to check.
	Blob(ctx context.Context, blob v1.Descriptor) (io.ReadCloser, error)
}

// Image is an image whose manifest has been read, and what it names can be. It
// is only looked at: no policy is asked, no layer read.
type Image struct {
	// Manifest is what the reference names, byte for byte.
	Manifest registry.Manifest
	Source   Source
	// System says which instance of an index Config is about.
	System *types.SystemContext
	// Parallel is how many parts may be read at the same time; -1: any number.
	Parallel int
}

// Config is the config of the image, byte for byte; of an index, that of the
// instance that containers/image would choose for the image's system.
func (i Image) Config(ctx context.Context) ([]byte, error) {
	m := i.Manifest
	if IsIndex(m.MediaType) {
		chosen, err := instanceFor(m, i.System)
		if err != nil {
			return nil, err
		}
		if m, err = i.Source.Manifest(ctx, chosen.String()); err != nil {
			return nil, fmt.Errorf("reading instance %s: %w", chosen, err)
		}
	}
	doc, err := parseDocument(m)
	if err != nil {
		return nil, err
	}
	if doc.Config == nil {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("manifest %s (%s) has no config", m.Digest, m.MediaType))
	}
	return ReadSmall(ctx, *doc.Config, i.Source.Blob)
}

// Describe is the descriptor of a manifest's bytes, of which nothing else is
// known.
func Describe(bytes []byte) (v1.Descriptor, error) {
	sum, err := manifest.Digest(bytes)
	if err != nil {
		return v1.Descriptor{}, fault.New(fault.Unsupported, fmt.Errorf("computing a manifest's digest: %w", err))
	}
	return v1.Descriptor{MediaType: manifest.GuessMIMEType(bytes), Digest: sum, Size: int64(len(bytes))}, nil
}
