package image

import (
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/pkg/blobinfocache/none"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Contents is an image whose manifest has been read, and what it names can be.
// It is only looked at: no policy is asked, no layer read.
type Contents struct {
	// Manifest is what the reference names, byte for byte.
	Manifest registry.Manifest
	Location Location

	shelf shelf
}

// shelf is where the parts of an image are kept.
type shelf interface {
	// manifest reads an instance, or with "" what the reference names.
	manifest(ctx context.Context, instance digest.Digest) (registry.Manifest, error)
	config(ctx context.Context, d v1.Descriptor) ([]byte, error)
	// parallel is how many parts can be read at the same time.
	parallel() int
}

// Read reads the manifest at a location; the caller closes what it gets. The
// error has the kind not-found where there is none.
func Read(ctx context.Context, l Location) (*Contents, error) {
	c := &Contents{Location: l}
	if l.Repository != nil {
		c.shelf = repositoryShelf{l}
	} else {
		source, err := l.Reference.NewImageSource(ctx, l.System)
		if err != nil {
			return nil, lookFault(err)
		}
		c.shelf = libraryShelf{source}
	}
	var err error
	if c.Manifest, err = c.shelf.manifest(ctx, ""); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close gives back what reading needed.
func (c *Contents) Close() {
	if library, ok := c.shelf.(libraryShelf); ok {
		_ = library.source.Close() // only read from
	}
}

// Config is the config of the image, byte for byte; of an index, that of the
// instance that containers/image would choose for the location's system.
func (c *Contents) Config(ctx context.Context) ([]byte, error) {
	m := c.Manifest
	if isIndex(m.MediaType) {
		list, err := manifest.ListFromBlob(m.Bytes, m.MediaType)
		if err != nil {
			return nil, fault.New(fault.Unsupported, fmt.Errorf("parsing index %s: %w", m.Digest, err))
		}
		chosen, err := list.ChooseInstance(c.Location.System)
		if err != nil {
			return nil, fault.New(fault.NotFound, fmt.Errorf("choosing an instance: %w", err))
		}
		if m, err = c.shelf.manifest(ctx, chosen); err != nil {
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
	return c.shelf.config(ctx, *doc.Config)
}

// repositoryShelf reads over the pooled client, which checks digests and bounds
// what is in flight.
type repositoryShelf struct{ location Location }

func (s repositoryShelf) manifest(ctx context.Context, instance digest.Digest) (registry.Manifest, error) {
	if instance == "" {
		return s.location.Repository.Manifest(ctx, s.location.Identifier())
	}
	return s.location.Repository.Manifest(ctx, instance.String())
}

func (s repositoryShelf) config(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	return readSmall(ctx, s.location.Repository, d)
}

func (s repositoryShelf) parallel() int { return -1 }

// libraryShelf reads from one of the library's own transports.
type libraryShelf struct{ source types.ImageSource }

func (s libraryShelf) manifest(ctx context.Context, instance digest.Digest) (registry.Manifest, error) {
	var which *digest.Digest
	if instance != "" {
		which = &instance
	}
	bytes, mediaType, err := s.source.GetManifest(ctx, which)
	if err != nil {
		return registry.Manifest{}, lookFault(err)
	}
	there, err := describe(bytes)
	if err != nil {
		return registry.Manifest{}, err
	}
	if which != nil && there.Digest != instance {
		return registry.Manifest{}, fault.New(fault.DigestMismatch, fmt.Errorf("its manifest has digest %s", there.Digest))
	}
	if mediaType != "" {
		there.MediaType = mediaType
	}
	return registry.Manifest{Descriptor: there, Bytes: bytes}, nil
}

func (s libraryShelf) config(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	body, _, err := s.source.GetBlob(ctx, types.BlobInfo{Digest: d.Digest, Size: d.Size}, none.NoCache)
	if err != nil {
		return nil, lookFault(err)
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(registry.Verify(body, d), maxConfig+1))
}

func (s libraryShelf) parallel() int { return 1 } // not every source is safe for more
