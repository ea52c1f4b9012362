package keep_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/keep"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

// shop is a source that counts what is read of it.
type shop struct {
	registrytest.Image
	blobs, manifests int
}

func (s *shop) Manifest(context.Context, string) (registry.Manifest, error) {
	s.manifests++
	return registry.Manifest{Descriptor: s.Descriptor(), Bytes: s.Image.Manifest}, nil
}

func (s *shop) Blob(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	s.blobs++
	for _, blob := range s.Blobs {
		if blob.Digest() == d.Digest {
			return io.NopCloser(bytes.NewReader(blob.Content)), nil
		}
	}
	return nil, fault.New(fault.NotFound, os.ErrNotExist)
}

// read reads the first n bytes of a blob, or all of them.
func (s *shop) read(t *testing.T, store *keep.Store, d digest.Digest, n int64) []byte {
	t.Helper()
	body, err := store.Before(s).Blob(t.Context(), v1.Descriptor{Digest: d, Size: -1})
	require.NoError(t, err)
	content, err := io.ReadAll(io.LimitReader(body, n))
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return content
}

const whole = 1 << 20

func open(t *testing.T, directory string) *keep.Store {
	t.Helper()
	store, err := keep.Open(directory)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() }) // it may be closed already
	return store
}

func TestABlobIsReadFromItsSourceOnce(t *testing.T) {
	t.Parallel()
	source, store := &shop{Image: registrytest.RandomImage(1)}, open(t, t.TempDir())
	blob := source.Blobs[0]

	for range 3 {
		require.Equal(t, blob.Content, source.read(t, store, blob.Digest(), whole))
		_, err := store.Before(source).Manifest(t.Context(), source.Digest().String())
		require.NoError(t, err)
	}

	require.Equal(t, 1, source.blobs)
	require.Equal(t, 1, source.manifests)
}

func TestWhatATagNamesIsAskedOfTheSourceEachTime(t *testing.T) {
	t.Parallel()
	source, store := &shop{Image: registrytest.RandomImage(1)}, open(t, t.TempDir())
	for range 2 {
		_, err := store.Before(source).Manifest(t.Context(), "1.0")
		require.NoError(t, err)
	}
	require.Equal(t, 2, source.manifests)
}

func TestABlobThatWasNotReadToItsEndIsNotKept(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	source, store := &shop{Image: registrytest.RandomImage(1)}, open(t, directory)
	blob := source.Blobs[0]
	source.read(t, store, blob.Digest(), blob.Size()/2)

	require.Equal(t, blob.Content, source.read(t, store, blob.Digest(), whole))

	require.Equal(t, 2, source.blobs)
	left, err := filepath.Glob(filepath.Join(directory, keep.Directory, ".csync-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestWhatAKilledRunHasLeftServesTheNextAndGoesThen(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	source, store := &shop{Image: registrytest.RandomImage(1)}, open(t, directory)
	blob := source.Blobs[0]
	source.read(t, store, blob.Digest(), whole)
	unfinished := filepath.Join(directory, keep.Directory, ".csync-1")
	require.NoError(t, os.WriteFile(unfinished, []byte("half"), 0o600))
	require.NoError(t, store.Close())
	store = open(t, directory)

	require.Equal(t, blob.Content, source.read(t, store, blob.Digest(), whole))
	require.NoError(t, store.Settle(t.Context(), nil))

	require.Equal(t, 1, source.blobs)
	require.NoDirExists(t, filepath.Join(directory, keep.Directory))
}

func TestWhatAnImageThatStaysSharesWithOneThatGoesStays(t *testing.T) {
	t.Parallel()
	shared := registrytest.RandomLayer(9, 500)
	stays, goes := &shop{Image: registrytest.RandomImage(1, registrytest.WithLayers(shared))}, &shop{Image: registrytest.RandomImage(2, registrytest.WithLayers(shared))}
	store := open(t, t.TempDir())
	for _, source := range []*shop{stays, goes} {
		for _, blob := range source.Blobs {
			source.read(t, store, blob.Digest(), whole)
		}
		_, err := store.Before(source).Manifest(t.Context(), source.Digest().String())
		require.NoError(t, err)
	}

	require.NoError(t, store.Settle(t.Context(), []keep.Image{
		{Name: "q.io/a:1", Digest: stays.Digest(), Wanted: true}, {Name: "q.io/b:1", Digest: goes.Digest()},
	}))

	for _, blob := range stays.Blobs {
		require.True(t, store.Has(v1.Descriptor{Digest: blob.Digest(), Size: -1}))
	}
	require.False(t, store.Has(v1.Descriptor{Digest: goes.Blobs[0].Digest(), Size: -1}), "its config")
	require.NoError(t, store.Settle(t.Context(), []keep.Image{{Name: "q.io/c:1", Digest: goes.Digest()}}))
	require.True(t, store.Has(v1.Descriptor{Digest: shared.Digest(), Size: -1}), "another run's image stays")
}
