package image

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// registryDestination is a types.ImageDestination over the pooled client, and
// its reference, for one image of a transfer. Its blobs go through the Mover.
type registryDestination struct {
	types.ImageReference
	transfer   *transfer
	tree       *content.Tree
	identifier string // the tag or digest to write; "" is the digest of whatever it becomes
	written    []byte // the manifest, once it is there
	rejected   error  // the first manifest, because of its type
}

// destination is where copy.Image writes t. An instance has no name of its own,
// but its digest where the image is known by one.
func (x *transfer) destination(t *content.Tree, identifier string) (*registryDestination, error) {
	ref, err := x.Destination.of(t.Manifest.Digest)
	return &registryDestination{ImageReference: ref, transfer: x, tree: t, identifier: identifier}, err
}

func (d *registryDestination) NewImageDestination(context.Context, *types.SystemContext) (types.ImageDestination, error) {
	return d, nil
}

func (d *registryDestination) Reference() types.ImageReference          { return d.ImageReference }
func (d *registryDestination) Close() error                             { return nil }
func (d *registryDestination) SupportedManifestMIMETypes() []string     { return nil }
func (d *registryDestination) SupportsSignatures(context.Context) error { return nil }
func (d *registryDestination) AcceptsForeignLayerURLs() bool            { return true }
func (d *registryDestination) MustMatchRuntimeOS() bool                 { return false }
func (d *registryDestination) IgnoresEmbeddedDockerReference() bool     { return true }
func (d *registryDestination) HasThreadSafePutBlob() bool               { return true }

// DesiredLayerCompression is as skopeo has it, where anything may change at all.
func (d *registryDestination) DesiredLayerCompression() types.LayerCompression {
	if d.transfer.mayChange() {
		return types.Compress
	}
	return types.PreserveOriginal
}

// compressible reports whether skopeo would compress a layer: one of OCI's or of
// Docker's that is a tar, and nothing more.
func compressible(mediaType string) bool { return strings.HasSuffix(mediaType, ".tar") }

// TryReusingBlob finds what the transfer has brought before.
func (d *registryDestination) TryReusingBlob(_ context.Context, blob types.BlobInfo, _ types.BlobInfoCache, _ bool) (bool, types.BlobInfo, error) {
	for _, there := range d.tree.Blobs {
		if there.Digest == blob.Digest {
			return !d.transfer.streamed(d.tree, there), types.BlobInfo{Digest: there.Digest, Size: there.Size}, nil
		}
	}
	return false, types.BlobInfo{}, nil
}

// PutBlob brings what the transfer has not: a blob that copy.Image made, or saw
// on its way. It waits in a file until its end has told its digest, and until
// nobody else is bringing it, who may be waiting for the end of this reading.
func (d *registryDestination) PutBlob(ctx context.Context, stream io.Reader, blob types.BlobInfo, _ types.BlobInfoCache, config bool) (types.BlobInfo, error) {
	x := d.transfer
	if config && d.tree.IsConfig(blob.Digest) && x.Format == "" && !x.location.Single() {
		return types.BlobInfo{Digest: blob.Digest, Size: blob.Size}, nil // it is there
	}
	file, err := spooled(x.Directory, stream)
	if err != nil {
		return types.BlobInfo{}, err
	}
	defer file.Close()
	moved := x.plainBlob(v1.Descriptor{Digest: cmp.Or(blob.Digest, file.digest), Size: file.size, MediaType: blob.MediaType})
	moved.Source, moved.Held = nil, true
	moved.Open = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(file, 0, file.size)), nil
	}
	return types.BlobInfo{Digest: moved.Digest, Size: file.size}, x.Mover.Move(ctx, moved)
}

// PutManifest writes the image's manifest, which may have been converted.
func (d *registryDestination) PutManifest(ctx context.Context, manifest []byte, _ *digest.Digest) error {
	m := d.tree.Manifest
	if !bytes.Equal(manifest, m.Bytes) {
		described, err := content.Describe(manifest)
		if err != nil {
			return err
		}
		m = registry.Manifest{Descriptor: described, Bytes: manifest}
	}
	err := d.transfer.write(ctx, d.identifier, m)
	if err == nil {
		d.written = manifest
	}
	if rejectedType(err) {
		d.rejected = cmp.Or(d.rejected, err)
		return types.ManifestTypeRejectedError{Err: err} // which hides it
	}
	return err
}

// PutSignatures has none to store: they travel by themselves.
func (d *registryDestination) PutSignatures(context.Context, [][]byte, *digest.Digest) error {
	return nil
}

func (d *registryDestination) Commit(context.Context, types.UnparsedImage) error { return nil }

// spool is a blob in an unnamed file.
type spool struct {
	*os.File
	digest digest.Digest
	size   int64
}

func spooled(directory string, content io.Reader) (*spool, error) {
	file, err := os.CreateTemp(directory, "csync-blob-")
	if err != nil {
		return nil, fault.New(fault.Internal, fmt.Errorf("creating a temporary file: %w", err))
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(file, sum), content)
	if err = errors.Join(err, os.Remove(file.Name())); err != nil {
		return nil, errors.Join(fmt.Errorf("filling a temporary file: %w", err), file.Close())
	}
	return &spool{file, digest.NewDigest(digest.SHA256, sum), size}, nil
}
