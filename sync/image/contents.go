package image

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/pkg/blobinfocache/none"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// Contents is the image at a location, to be looked at.
type Contents struct {
	content.Image
	Location Location

	close func() error
}

// Read reads the manifest at a location; the caller closes what it gets. The
// error has the kind not-found where there is none.
func Read(ctx context.Context, l Location) (*Contents, error) {
	c := &Contents{Location: l, close: func() error { return nil }}
	c.System = l.System
	identifier := ""
	if remote, ok := l.Remote(); ok {
		c.Source, c.Parallel, identifier = remote, -1, remote.Identifier
	} else {
		source, err := l.Reference.NewImageSource(ctx, l.System)
		if err != nil {
			return nil, lookFault(err)
		}
		c.Source, c.Parallel, c.close = librarySource{source}, 1, source.Close // not every source is safe for more
	}
	var err error
	if c.Manifest, err = c.Source.Manifest(ctx, identifier); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// Close gives back what reading needed.
func (c *Contents) Close() {
	_ = c.close() // only read from
}

// librarySource reads from one of the library's own transports; no identifier
// names the image itself.
type librarySource struct{ source types.ImageSource }

func (s librarySource) Manifest(ctx context.Context, identifier string) (registry.Manifest, error) {
	var instance *digest.Digest
	if identifier != "" {
		named := digest.Digest(identifier)
		instance = &named
	}
	bytes, mediaType, err := s.source.GetManifest(ctx, instance)
	if err != nil {
		return registry.Manifest{}, lookFault(err)
	}
	there, err := content.Describe(bytes)
	if err != nil {
		return registry.Manifest{}, err
	}
	if instance != nil && there.Digest != *instance {
		return registry.Manifest{}, fault.New(fault.DigestMismatch, fmt.Errorf("its manifest has digest %s", there.Digest))
	}
	if mediaType != "" {
		there.MediaType = mediaType
	}
	return registry.Manifest{Descriptor: there, Bytes: bytes}, nil
}

func (s librarySource) Blob(ctx context.Context, blob v1.Descriptor) (io.ReadCloser, error) {
	body, _, err := s.source.GetBlob(ctx, types.BlobInfo{Digest: blob.Digest, Size: blob.Size}, none.NoCache)
	if err != nil {
		return nil, lookFault(err)
	}
	return body, nil
}
