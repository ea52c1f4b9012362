package image

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// registryDestination is a types.ImageDestination over the pooled client: it
// takes what copy.Image brings from sources that are no registries.
type registryDestination struct {
	location Location
	mover    Mover
	fresh    bool
	// Bytes of manifests, those that the mover was told of not among the written.
	read, written atomic.Int64
}

func (d *registryDestination) Reference() types.ImageReference          { return d.location.Reference }
func (d *registryDestination) Close() error                             { return nil }
func (d *registryDestination) SupportedManifestMIMETypes() []string     { return nil }
func (d *registryDestination) SupportsSignatures(context.Context) error { return nil }
func (d *registryDestination) AcceptsForeignLayerURLs() bool            { return true }
func (d *registryDestination) MustMatchRuntimeOS() bool                 { return false }
func (d *registryDestination) IgnoresEmbeddedDockerReference() bool     { return true }
func (d *registryDestination) HasThreadSafePutBlob() bool               { return true }
func (d *registryDestination) DesiredLayerCompression() types.LayerCompression {
	return types.PreserveOriginal
}

// TryReusingBlob leaves it to PutBlob, whose Mover knows what is where.
func (d *registryDestination) TryReusingBlob(context.Context, types.BlobInfo, types.BlobInfoCache, bool) (bool, types.BlobInfo, error) {
	return false, types.BlobInfo{}, nil
}

func (d *registryDestination) PutBlob(ctx context.Context, stream io.Reader, blob types.BlobInfo, _ types.BlobInfoCache, _ bool) (types.BlobInfo, error) {
	if blob.Digest == "" {
		return types.BlobInfo{}, fault.New(fault.Unsupported, fmt.Errorf("writing a blob of unknown digest"))
	}
	counted := &countingReader{Reader: stream}
	err := d.mover.Move(ctx, Blob{
		Descriptor:  v1.Descriptor{Digest: blob.Digest, Size: blob.Size, MediaType: blob.MediaType},
		Destination: d.location.Repository,
		Open:        func(context.Context) (io.ReadCloser, error) { return io.NopCloser(counted), nil },
		Once:        true,
		Fresh:       d.fresh,
	})
	return types.BlobInfo{Digest: blob.Digest, Size: max(blob.Size, counted.read)}, err
}

// PutManifest writes an instance once, however many images of the run have it:
// some registries read what another request is just writing.
func (d *registryDestination) PutManifest(ctx context.Context, bytes []byte, instance *digest.Digest) error {
	descriptor, err := content.Describe(bytes)
	if err != nil {
		return err
	}
	m := registry.Manifest{Descriptor: descriptor, Bytes: bytes}
	d.read.Add(m.Size)
	if instance == nil {
		d.written.Add(m.Size)
		return d.put(ctx, d.location.Identifier(), m)
	}
	blob := Blob{Descriptor: descriptor, Destination: d.location.Repository}
	return d.mover.Instance(ctx, blob, func(ctx context.Context) (bool, error) {
		return true, d.put(ctx, descriptor.Digest.String(), m)
	})
}

func (d *registryDestination) put(ctx context.Context, identifier string, m registry.Manifest) error {
	return fault.At(fault.Destination, d.location.String(), d.location.Repository.PutManifest(ctx, identifier, m))
}

// PutSignatures stores nothing: images with signatures to store go through the
// library's own transport.
func (d *registryDestination) PutSignatures(_ context.Context, signatures [][]byte, _ *digest.Digest) error {
	if len(signatures) > 0 {
		return fault.New(fault.Internal, fmt.Errorf("writing %d signatures over the pooled client", len(signatures)))
	}
	return nil
}

func (d *registryDestination) Commit(context.Context, types.UnparsedImage) error { return nil }

// countingReader counts the bytes that were read.
type countingReader struct {
	io.Reader
	read int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read += int64(n)
	return n, err
}
