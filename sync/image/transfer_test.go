package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/pkg/blobinfocache/none"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image/trust"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

// moved is a Mover that keeps what it is given to move.
type moved map[digest.Digest]string

func (m moved) Move(ctx context.Context, blob Blob) error {
	body, err := blob.Open(ctx)
	if err != nil {
		return err
	}
	bytes, err := io.ReadAll(body)
	m[blob.Digest] = string(bytes)
	return err
}

func (m moved) Read(ctx context.Context, blob Blob) (io.ReadCloser, error) { return blob.Open(ctx) }
func (m moved) Found(Blob, bool)                                           {}

func (m moved) Instance(ctx context.Context, _ Blob, write func(context.Context) (bool, error)) error {
	_, err := write(ctx)
	return err
}

func (m moved) Push(ctx context.Context, _ Blob, write func(context.Context) error) error {
	return write(ctx)
}

// signedBy are signatures of whatever is asked about.
type signedBy []trust.Signature

func (s signedBy) Signatures(context.Context, digest.Digest) ([]trust.Signature, error) {
	return s, nil
}

// transferOf is an image under way from one place to another, by the copier.
func transferOf(t *testing.T, c *Copier, from string, image registrytest.Image) *transfer {
	t.Helper()
	source, err := openPlace(t, from).Location(Name{Path: "app", Tag: "1"})
	require.NoError(t, err)
	destination, err := openPlace(t, "docker://there.example").Location(Name{Path: "app", Tag: "1"})
	require.NoError(t, err)
	tree, err := content.Parse(registry.Manifest{Descriptor: v1.Descriptor{MediaType: image.MediaType, Digest: image.Digest()}, Bytes: image.Manifest})
	require.NoError(t, err)
	original := &Original{location: source, digest: image.Digest(), root: tree, home: &trust.Once{Store: signedBy(nil)}, configs: &configs{}}
	return &transfer{Copier: c, Original: original, Request: Request{Source: source, Destination: destination, Mover: moved{}}}
}

const oci = v1.MediaTypeImageManifest

func TestWhatMayChangeIsSeenOnItsWay(t *testing.T) {
	t.Parallel()
	plain := registrytest.Blob{MediaType: v1.MediaTypeImageLayer, Content: []byte("a tar")}
	image := registrytest.RandomImage(1, registrytest.WithLayers(plain, registrytest.RandomLayer(1, 10)))
	for name, c := range map[string]struct {
		copier   *Copier
		from     string
		change   bool
		streamed []bool // config, layer, compressed layer
	}{
		"as it is":             {&Copier{}, "docker://here.example", false, []bool{false, false, false}},
		"as skopeo":            {&Copier{AllowConversion: true}, "docker://here.example", true, []bool{false, true, false}},
		"in a format":          {&Copier{Format: oci}, "docker://here.example", true, []bool{true, true, false}},
		"a format, and not so": {&Copier{Format: oci, PreserveDigests: true}, "docker://here.example", false, []bool{true, false, false}},
		"of a directory":       {&Copier{}, "dir:/images", false, []bool{false, false, false}},
		"of an archive":        {&Copier{}, "docker-archive:/images.tar", true, []bool{true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := transferOf(t, c.copier, c.from, image)
			require.Equal(t, c.change, x.mayChange())
			for i, want := range c.streamed {
				require.Equal(t, want, x.streamed(x.root, x.root.Blobs[i]), x.root.Blobs[i].MediaType)
			}
			destination := &registryDestination{transfer: x, tree: x.root}
			compression := types.PreserveOriginal
			if c.change {
				compression = types.Compress
			}
			require.Equal(t, compression, destination.DesiredLayerCompression())
			for i, blob := range x.root.Blobs {
				reused, _, err := destination.TryReusingBlob(t.Context(), types.BlobInfo{Digest: blob.Digest}, none.NoCache, true)
				require.NoError(t, err)
				require.Equal(t, !c.streamed[i], reused)
			}
			reused, _, err := destination.TryReusingBlob(t.Context(), types.BlobInfo{Digest: digest.FromString("other")}, none.NoCache, true)
			require.NoError(t, err)
			require.False(t, reused)
		})
	}
}

func TestOnlyTarsAreCompressed(t *testing.T) {
	t.Parallel()
	for mediaType, want := range map[string]bool{
		v1.MediaTypeImageLayer: true, manifest.DockerV2SchemaLayerMediaTypeUncompressed: true,
		v1.MediaTypeImageLayerGzip: false, manifest.DockerV2Schema2LayerMediaType: false, v1.MediaTypeImageLayerZstd: false,
		"application/vnd.in-toto+json": false, "": false,
	} {
		require.Equal(t, want, compressible(mediaType), mediaType)
	}
}

func TestWhatIsSignedIsKept(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	for name, c := range map[string]struct {
		copier *Copier
		signed bool
		reason string
	}{
		"may not change":              {&Copier{}, false, "Instructed to preserve digests"},
		"must not change":             {&Copier{Format: oci, PreserveDigests: true}, true, "Instructed to preserve digests"},
		"may change":                  {&Copier{AllowConversion: true}, false, ""},
		"signed":                      {&Copier{Format: oci}, true, "Would invalidate signatures"},
		"signed, and nobody wants it": {&Copier{Format: oci, RemoveSignatures: true}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := transferOf(t, c.copier, "docker://here.example", image)
			if c.signed {
				x.home = &trust.Once{Store: signedBy{trust.Signature("a signature")}}
			}
			reason, err := x.kept(t.Context(), x.root)
			require.NoError(t, err)
			require.Equal(t, c.reason, reason)
		})
	}
}

func TestABlobWhoseDigestOnlyItsEndTellsWaitsInAFileForThat(t *testing.T) {
	t.Parallel()
	x := transferOf(t, &Copier{Format: oci, Directory: t.TempDir()}, "docker://here.example", registrytest.RandomImage(1))
	d := &registryDestination{transfer: x, tree: x.root}
	sum := digest.FromString("compressed")

	stored, err := d.PutBlob(t.Context(), strings.NewReader("compressed"), types.BlobInfo{Size: -1}, none.NoCache, false)

	require.NoError(t, err)
	require.Equal(t, types.BlobInfo{Digest: sum, Size: 10}, stored)
	require.Equal(t, moved{sum: "compressed"}, x.Mover)
	left, err := os.ReadDir(x.Directory)
	require.NoError(t, err)
	require.Empty(t, left)

	_, err = d.PutBlob(t.Context(), &brokenReader{}, types.BlobInfo{Size: -1}, none.NoCache, false)
	require.ErrorContains(t, err, "broken off")
	x.Directory += "/missing"
	_, err = d.PutBlob(t.Context(), strings.NewReader(""), types.BlobInfo{Size: -1}, none.NoCache, false)
	require.True(t, fault.Is(err, fault.Internal), "%v", err)
}

type brokenReader struct{}

func (*brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken off") }

func TestAConfigThatIsThereIsNotPutAgain(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	config := types.BlobInfo{Digest: image.Blobs[0].Digest(), Size: image.Blobs[0].Size()}
	for _, c := range []struct {
		copier *Copier
		put    bool
	}{{&Copier{AllowConversion: true}, false}, {&Copier{Format: oci}, true}} {
		t.Run(fmt.Sprint(c.put), func(t *testing.T) {
			t.Parallel()
			x := transferOf(t, c.copier, "docker://here.example", image)
			d := &registryDestination{transfer: x, tree: x.root}
			stored, err := d.PutBlob(t.Context(), bytes.NewReader(image.Blobs[0].Content), config, none.NoCache, true)
			require.NoError(t, err)
			require.Equal(t, config, stored)
			require.Equal(t, c.put, len(x.Mover.(moved)) == 1)
		})
	}
}
