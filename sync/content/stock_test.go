package content

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

// stock is a source in memory.
type stock struct {
	shelf
	blobs map[digest.Digest][]byte
}

// stockOf has images with everything below them.
func stockOf(images ...registrytest.Image) stock {
	s := stock{shelf{}, map[digest.Digest][]byte{}}
	for _, image := range images {
		s.add(image)
	}
	return s
}

func (s stock) add(image registrytest.Image) {
	s.shelf[image.Digest().String()] = manifestOf(image)
	for _, blob := range image.Blobs {
		s.blobs[blob.Digest()] = blob.Content
	}
	for _, child := range image.Children {
		s.add(child)
	}
}

func (s stock) Blob(_ context.Context, blob v1.Descriptor) (io.ReadCloser, error) {
	content, has := s.blobs[blob.Digest]
	if !has {
		return nil, fault.New(fault.NotFound, fmt.Errorf("no blob %s", blob.Digest))
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func manifestOf(image registrytest.Image) registry.Manifest {
	return registry.Manifest{Descriptor: v1.Descriptor{
		MediaType: image.MediaType, Digest: image.Digest(), Size: int64(len(image.Manifest)),
	}, Bytes: image.Manifest}
}

// raw is a manifest with the given text.
func raw(mediaType, text string) registry.Manifest {
	return registry.Manifest{Descriptor: v1.Descriptor{
		MediaType: mediaType, Digest: digest.FromString(text), Size: int64(len(text)),
	}, Bytes: []byte(text)}
}
