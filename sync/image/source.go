package image

import (
	"context"
	"errors"
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

// registrySource is a types.ImageSource over the pooled client: an image whose
// manifests have been read, and whose blobs come on demand.
type registrySource struct {
	location        Location
	root            *content.Tree
	read            atomic.Int64 // bytes of blobs
	signaturesAsked atomic.Bool
}

func (s *registrySource) Reference() types.ImageReference { return s.location.Reference }
func (s *registrySource) Close() error                    { return nil }
func (s *registrySource) HasThreadSafeGetBlob() bool      { return true }

// GetManifest gives the manifest, or one of its instances, without a request.
func (s *registrySource) GetManifest(_ context.Context, instance *digest.Digest) ([]byte, string, error) {
	t := s.root
	if instance != nil {
		t = s.root.Find(*instance)
	}
	if t == nil {
		return nil, "", s.at(fault.New(fault.Unsupported, fmt.Errorf("index entry %s is a blob, not a manifest, which only registries keep", *instance)))
	}
	return t.Manifest.Bytes, t.Manifest.MediaType, nil
}

func (s *registrySource) GetBlob(ctx context.Context, wanted types.BlobInfo, _ types.BlobInfoCache) (io.ReadCloser, int64, error) {
	blob := v1.Descriptor{Digest: wanted.Digest, Size: wanted.Size, MediaType: wanted.MediaType}
	body, err := s.open(ctx, blob)
	if err != nil {
		return nil, 0, err
	}
	return &sourceBlob{ReadCloser: body, source: s, verified: registry.Verify(body, blob)}, wanted.Size, nil
}

func (s *registrySource) open(ctx context.Context, blob v1.Descriptor) (io.ReadCloser, error) {
	body, err := s.location.Repository.Blob(ctx, blob)
	if err != nil {
		return nil, s.at(err)
	}
	return body, nil
}

// GetSignatures has none to give: an image whose policy wants any is copied by
// the library's own transport, and being asked is how we know.
func (s *registrySource) GetSignatures(context.Context, *digest.Digest) ([][]byte, error) {
	s.signaturesAsked.Store(true)
	return nil, nil
}

func (s *registrySource) LayerInfosForCopy(context.Context, *digest.Digest) ([]types.BlobInfo, error) {
	return nil, nil
}

func (s *registrySource) at(err error) error {
	return fault.At(fault.Source, s.location.String(), err)
}

// sourceBlob counts and checks what is read, and says on which side it failed.
type sourceBlob struct {
	io.ReadCloser
	source   *registrySource
	verified io.Reader
}

func (b *sourceBlob) Read(p []byte) (int, error) {
	n, err := b.verified.Read(p)
	b.source.read.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.source.at(err)
	}
	return n, err
}
