package image

import (
	"context"
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

// opened is where the parts of an image can be read, a registry or one of the
// library's transports.
type opened struct {
	content.Source
	identifier string            // of the image there
	library    types.ImageSource // nil for a registry and for an OCI layout
}

// open opens a location, of which nothing is read yet.
func (l Location) open(ctx context.Context) (opened, error) {
	if remote, ok := l.Remote(); ok {
		return opened{Source: remote.Repository, identifier: remote.Identifier}, nil
	}
	if l.inside != nil {
		return opened{Source: l.inside.Repository, identifier: l.inside.identifier}, nil
	}
	library, err := l.Reference.NewImageSource(ctx, l.System)
	if err != nil {
		return opened{}, lookFault(err)
	}
	return opened{Source: librarySource{library}, library: library}, nil
}

// Close gives back what reading needed.
func (o opened) Close() {
	if o.library != nil {
		_ = o.library.Close() // only read from
	}
}

// Contents is the image at a location, to be looked at.
type Contents struct {
	content.Image
	Location Location

	from opened
}

// Read reads the manifest at a location; the caller closes what it gets. The
// error has the kind not-found where there is none.
func Read(ctx context.Context, l Location) (*Contents, error) {
	from, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	c := &Contents{content.Image{Source: from.Source, System: l.System, Parallel: 1}, l, from} // not every source is safe for more
	if from.library == nil {
		c.Parallel = -1
	}
	if c.Manifest, err = c.Source.Manifest(ctx, from.identifier); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Tree reads all manifests of the image. The blobs of one in podman's store are
// those that it keeps, which are not those of the manifest.
func (c *Contents) Tree(ctx context.Context) (*content.Tree, error) {
	tree, err := content.Load(ctx, c.Source, c.Manifest)
	if err != nil || c.from.library == nil {
		return tree, err
	}
	kept, err := c.from.library.LayerInfosForCopy(ctx, nil)
	if err != nil {
		return nil, lookFault(err)
	}
	if kept == nil {
		return tree, nil
	}
	tree.Blobs = nil
	if tree.Config != nil {
		tree.Blobs = append(tree.Blobs, *tree.Config)
	}
	for _, layer := range kept {
		tree.Blobs = append(tree.Blobs, v1.Descriptor{Digest: layer.Digest, Size: layer.Size})
	}
	return tree, nil
}

// Weigh reads a blob, and gives its size. Other bytes than those with its digest
// are a failure of the kind digest-mismatch.
func (c *Contents) Weigh(ctx context.Context, blob v1.Descriptor) (int64, error) {
	body, err := c.Source.Blob(ctx, blob)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	size, err := io.Copy(io.Discard, registry.Verify(body, v1.Descriptor{Digest: blob.Digest, Size: -1}))
	return size, kindOf(err)
}

// Close gives back what reading needed.
func (c *Contents) Close() { c.from.Close() }

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
