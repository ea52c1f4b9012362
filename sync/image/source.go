package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
)

// registrySource is a types.ImageSource over the pooled client: an image whose
// manifests have been read, and whose blobs come on demand.
type registrySource struct {
	location        Location
	root            *tree
	read            atomic.Int64 // bytes of blobs
	signaturesAsked atomic.Bool

	mu      sync.Mutex
	configs map[digest.Digest][]byte // containers/image asks for a config more than once
}

func (s *registrySource) Reference() types.ImageReference { return s.location.Reference }
func (s *registrySource) Close() error                    { return nil }
func (s *registrySource) HasThreadSafeGetBlob() bool      { return true }

// GetManifest gives the manifest, or one of its instances, without a request.
func (s *registrySource) GetManifest(_ context.Context, instance *digest.Digest) ([]byte, string, error) {
	t := s.root
	if instance != nil {
		t = s.root.find(*instance)
	}
	return t.manifest.Bytes, t.manifest.MediaType, nil
}

func (s *registrySource) GetBlob(ctx context.Context, info types.BlobInfo, _ types.BlobInfoCache) (io.ReadCloser, int64, error) {
	blob := v1.Descriptor{Digest: info.Digest, Size: info.Size, MediaType: info.MediaType}
	body, err := s.open(ctx, blob)
	if err != nil {
		return nil, 0, err
	}
	return &sourceBlob{ReadCloser: body, source: s, verified: registry.Verify(body, blob)}, info.Size, nil
}

// open reads a blob; a config from memory, because copy.Image wants to see what
// is moved as well.
func (s *registrySource) open(ctx context.Context, blob v1.Descriptor) (io.ReadCloser, error) {
	if s.isConfig(blob.Digest) {
		config, err := s.config(ctx, blob)
		return io.NopCloser(bytes.NewReader(config)), s.at(err)
	}
	body, err := s.location.Repository.Blob(ctx, blob)
	if err != nil {
		return nil, s.at(err)
	}
	return body, nil
}

// config reads a config once.
func (s *registrySource) config(ctx context.Context, blob v1.Descriptor) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if config, ok := s.configs[blob.Digest]; ok {
		return config, nil
	}
	config, err := readSmall(ctx, s.location.Repository, blob)
	if err != nil {
		return nil, fmt.Errorf("reading config %s: %w", blob.Digest, err)
	}
	if s.configs == nil {
		s.configs = map[digest.Digest][]byte{}
	}
	s.configs[blob.Digest] = config
	return config, nil
}

// isConfig reports whether the blob is the config of any of the images.
func (s *registrySource) isConfig(d digest.Digest) bool {
	for _, t := range append([]*tree{s.root}, s.root.children...) {
		if len(t.blobs) > 0 && t.image && t.blobs[0].Digest == d {
			return true
		}
	}
	return false
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
	if err != nil && err != io.EOF {
		err = b.source.at(err)
	}
	return n, err
}
