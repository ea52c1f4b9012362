package image

import (
	"context"
	"io"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

// oneReader is a source whose blobs are read one after the other.
type oneReader struct {
	types.ImageSource
	err error
}

func (s oneReader) GetBlob(context.Context, types.BlobInfo, types.BlobInfoCache) (io.ReadCloser, int64, error) {
	return io.NopCloser(strings.NewReader("a blob")), 6, s.err
}

// exclusive is an original of such a source.
func exclusive(t *testing.T, err error) *Original {
	t.Helper()
	location, locationErr := openPlace(t, "docker-archive:/images.tar").Location(Name{Path: "app", Tag: "1"})
	require.NoError(t, locationErr)
	library := oneReader{err: err}
	return &Original{opened: opened{Source: librarySource{library}, library: library}, location: location, turn: make(chan struct{}, 1)}
}

func TestASourceThatTakesOneReaderIsReadByOne(t *testing.T) {
	t.Parallel()
	o := exclusive(t, nil)
	first, err := o.blob(t.Context(), v1.Descriptor{})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = o.blob(ctx, v1.Descriptor{})
	require.ErrorIs(t, err, context.Canceled, "while it is the first one's turn")

	require.NoError(t, first.Close())
	require.NoError(t, first.Close(), "which gives the turn back once")
	second, err := o.blob(t.Context(), v1.Descriptor{})
	require.NoError(t, err)
	require.Len(t, o.turn, 1)
	require.NoError(t, second.Close())
	require.Empty(t, o.turn)
}

func TestABlobThatCannotBeOpenedKeepsNoTurn(t *testing.T) {
	t.Parallel()
	o := exclusive(t, io.ErrUnexpectedEOF)
	_, err := o.blob(t.Context(), v1.Descriptor{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, fault.Source, fault.SideOf(err))
	require.Empty(t, o.turn)
}

func TestAPartGivesItsManifestsWithoutARequest(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	x := transferOf(t, &Copier{}, "docker://here.example", image)
	p := part{Original: x.Original, tree: x.root}
	bytes, mediaType, err := p.GetManifest(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, image.Manifest, bytes)
	require.Equal(t, image.MediaType, mediaType)
	other := registrytest.RandomImage(2).Digest()
	_, _, err = p.GetManifest(t.Context(), &other)
	require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
}

func TestWhatIsReadOfAPartIsCheckedAndItsSideTold(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	x := transferOf(t, &Copier{}, "docker://here.example", image)
	p := part{Original: x.Original, tree: x.root, open: func(context.Context, v1.Descriptor) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("other bytes")), nil
	}}
	for i, blob := range image.Blobs[:2] { // a config and a layer
		body, _, err := p.GetBlob(t.Context(), types.BlobInfo{Digest: blob.Digest(), Size: blob.Size()}, nil)
		if i == 1 {
			require.NoError(t, err)
			_, err = io.ReadAll(body)
		}
		require.True(t, fault.Is(err, fault.DigestMismatch), "%v", err)
		require.Equal(t, fault.Source, fault.SideOf(err))
	}
}
