package content

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry"
)

// shelf keeps manifests in memory, by digest.
type shelf map[string]registry.Manifest

func (s shelf) Manifest(_ context.Context, identifier string) (registry.Manifest, error) {
	m, has := s[identifier]
	if !has {
		return m, fault.New(fault.NotFound, fmt.Errorf("no manifest %s", identifier))
	}
	return m, nil
}

func (s shelf) Resolve(ctx context.Context, identifier string) (v1.Descriptor, error) {
	m, err := s.Manifest(ctx, identifier)
	return m.Descriptor, err
}

func (s shelf) Blob(context.Context, v1.Descriptor) (io.ReadCloser, error) {
	return nil, fault.New(fault.NotFound, fmt.Errorf("no blobs here"))
}

// add keeps an index of the entries.
func (s shelf) add(entries ...v1.Descriptor) v1.Descriptor {
	list := `{"schemaVersion":2,"manifests":[`
	for i, entry := range entries {
		if i > 0 {
			list += ","
		}
		list += fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, entry.MediaType, entry.Digest, entry.Size)
	}
	bytes := []byte(list + "]}")
	d := v1.Descriptor{MediaType: v1.MediaTypeImageIndex, Digest: digest.FromBytes(bytes), Size: int64(len(bytes))}
	s[d.Digest.String()] = registry.Manifest{Descriptor: d, Bytes: bytes}
	return d
}

func TestAnIndexIsCompleteWithAllThatNestedOnesList(t *testing.T) {
	t.Parallel()
	s := shelf{}
	leaf := v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString("leaf"), Size: 4}
	inner := s.add(leaf)
	outer := s.add(inner)
	err := Complete(t.Context(), s, s[outer.Digest.String()])
	require.True(t, fault.Is(err, fault.NotFound), err)
	s[leaf.Digest.String()] = registry.Manifest{Descriptor: leaf}
	require.NoError(t, Complete(t.Context(), s, s[outer.Digest.String()]))
}

func TestIndexesThatNestTooDeepAreNoLongerFollowed(t *testing.T) {
	t.Parallel()
	s := shelf{}
	top := s.add(v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString("leaf"), Size: 4})
	for range maxDepth {
		top = s.add(top)
	}
	err := Complete(t.Context(), s, s[top.Digest.String()])
	require.ErrorContains(t, err, "more than 8 deep")
}
