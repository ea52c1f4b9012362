package content

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

func TestAManifestNeedsTheBlobsThatAreNotElsewhere(t *testing.T) {
	t.Parallel()
	one, two := digest.FromString("one"), digest.FromString("two")
	for name, c := range map[string]struct {
		text string
		want []digest.Digest
	}{
		"config and layers":      {`"config": {"digest": %q}, "layers": [{"digest": %q}]`, []digest.Digest{one, two}},
		"a layer twice":          {`"layers": [{"digest": %q}, {"digest": %[1]q}, {"digest": %[2]q}]`, []digest.Digest{one, two}},
		"an artifact's blobs":    {`"blobs": [{"digest": %q}, {"digest": %q}]`, []digest.Digest{one, two}},
		"schema 1":               {`"fsLayers": [{"blobSum": %q}, {"blobSum": %q}]`, []digest.Digest{one, two}},
		"a foreign layer":        {`"layers": [{"digest": %q}, {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": ["https://x.example"], "digest": %q}]`, []digest.Digest{one}},
		"one not to be spread":   {`"layers": [{"digest": %q}, {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "urls": ["https://x.example"], "digest": %q}]`, []digest.Digest{one}},
		"foreign but for no URL": {`"layers": [{"digest": %q}, {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": %q}]`, []digest.Digest{one, two}},
		"a URL, and not foreign": {`"layers": [{"digest": %q}, {"mediaType": "application/vnd.oci.image.layer.v1.tar", "urls": ["https://x.example"], "digest": %q}]`, []digest.Digest{one, two}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := parseDocument(raw("", "{"+fmt.Sprintf(c.text, one, two)+"}"))
			require.NoError(t, err)
			var got []digest.Digest
			for _, blob := range doc.blobs() {
				got = append(got, blob.Digest)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestSchema1DoesNotSayHowLargeItsLayersAre(t *testing.T) {
	t.Parallel()
	doc, err := parseDocument(raw("", fmt.Sprintf(`{"fsLayers": [{"blobSum": %q}]}`, digest.FromString("one"))))
	require.NoError(t, err)
	require.EqualValues(t, -1, doc.blobs()[0].Size)
}

func TestDigestsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `{"config": {}}`, `{"layers": [{"digest": "../../etc"}]}`, `{"manifests": [{"digest": "sha256:00"}]}`, `{"fsLayers": [{"blobSum": "md5:00"}]}`,
	} {
		_, err := parseDocument(raw("", text))
		require.True(t, fault.Is(err, fault.Unsupported), text)
	}
}

func TestMediaTypesAreTold(t *testing.T) {
	t.Parallel()
	for mediaType, is := range map[string]struct{ manifest, index, copyable, schema1 bool }{
		"":                          {manifest: true, copyable: true},
		v1.MediaTypeImageManifest:   {manifest: true, copyable: true},
		v1.MediaTypeImageIndex:      {manifest: true, index: true},
		registrytest.DockerManifest: {manifest: true, copyable: true},
		registrytest.DockerList:     {manifest: true, index: true},
		schema1:                     {manifest: true, copyable: true, schema1: true},
		"application/vnd.docker.distribution.manifest.v1+json": {manifest: true, copyable: true, schema1: true},
		mediaTypeOCIArtifact:           {manifest: true},
		v1.MediaTypeImageLayerGzip:     {},
		"application/vnd.example.sbom": {},
	} {
		require.Equal(t, is.manifest, isManifest(mediaType), mediaType)
		require.Equal(t, is.index, IsIndex(mediaType), mediaType)
		require.Equal(t, is.copyable, Copyable(mediaType), mediaType)
		require.Equal(t, is.schema1, IsSchema1(mediaType), mediaType)
	}
}

func TestOnlyImagesAreTakenForImages(t *testing.T) {
	t.Parallel()
	image, artifact := registrytest.RandomImage(1), registrytest.Artifact(nil, "application/vnd.example")
	subject := registrytest.Artifact(&image, "")
	for name, c := range map[string]struct {
		image registrytest.Image
		is    bool
	}{
		"OCI":           {image, true},
		"Docker":        {registrytest.RandomImage(1, registrytest.WithDocker()), true},
		"an artifact":   {artifact, false},
		"about another": {subject, false},
		"schema 1":      {registrytest.Image{MediaType: schema1, Manifest: []byte(`{}`)}, true},
		"no config":     {registrytest.Image{MediaType: v1.MediaTypeImageManifest, Manifest: []byte(`{}`)}, false},
	} {
		doc, err := parseDocument(manifestOf(c.image))
		require.NoError(t, err)
		require.Equal(t, c.is, doc.isImage(c.image.MediaType), name)
	}
}

func TestAManifestThatIsTwoThingsAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	const sum = `"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
	for name, c := range map[string]struct{ mediaType, text, refusal string }{
		"an image that lists manifests":  {v1.MediaTypeImageManifest, `{"config":{"digest":` + sum + `},"manifests":[{"digest":` + sum + `}]}`, "lists manifests"},
		"an index with layers":           {v1.MediaTypeImageIndex, `{"manifests":[],"layers":[{"digest":` + sum + `}]}`, "has layers"},
		"an index with a config":         {v1.MediaTypeImageIndex, `{"manifests":[],"config":{"digest":` + sum + `}}`, "has layers"},
		"an index with schema 1's":       {v1.MediaTypeImageIndex, `{"manifests":[],"fsLayers":[{"blobSum":` + sum + `}]}`, "has layers"},
		"an image that came as an index": {v1.MediaTypeImageIndex, `{"mediaType":"` + v1.MediaTypeImageManifest + `"}`, "and came as"},
		"an index that came as an image": {v1.MediaTypeImageManifest, `{"mediaType":"` + v1.MediaTypeImageIndex + `"}`, "and came as"},
		"an image":                       {v1.MediaTypeImageManifest, `{"config":{"digest":` + sum + `},"layers":[{"digest":` + sum + `}]}`, ""},
		"an index":                       {v1.MediaTypeImageIndex, `{"manifests":[{"digest":` + sum + `}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(registry.Manifest{Descriptor: v1.Descriptor{MediaType: c.mediaType}, Bytes: []byte(c.text)})
			if c.refusal == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.refusal)
			require.True(t, fault.Is(err, fault.Unsupported))
		})
	}
}

func TestAManifestThatListsTooMuchIsRefusedWhileItIsDecoded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mediaType, key string }{
		"instances":       {v1.MediaTypeImageIndex, "manifests"},
		"layers":          {v1.MediaTypeImageManifest, "layers"},
		"blobs":           {mediaTypeOCIArtifact, "blobs"},
		"schema 1":        {schema1, "fsLayers"},
		"another writing": {v1.MediaTypeImageIndex, "Manifests"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fmt.Sprintf(`{%q: [{}%s]}`, c.key, strings.Repeat(",{}", 1_390_000))

			_, err := parseDocument(raw(c.mediaType, text))

			require.ErrorContains(t, err, "lists more than 10000 entries")
			require.True(t, fault.Is(err, fault.Unsupported))
		})
	}
}

func TestListsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"layers": {}}`, `{"manifests": "x"}`, `{"layers": [1]}`} {
		_, err := parseDocument(raw("", text))
		require.True(t, fault.Is(err, fault.Unsupported), text)
	}
	_, err := parseDocument(raw("", `{"layers": null, "manifests": []}`))
	require.NoError(t, err)
}

func TestNegativeSizesAreRefused(t *testing.T) {
	t.Parallel()
	const entry = `{"digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "size": -1}`
	for _, text := range []string{`{"config": ` + entry + `}`, `{"layers": [` + entry + `]}`, `{"blobs": [` + entry + `]}`} {
		_, err := parseDocument(raw("", text))
		require.ErrorContains(t, err, "has the size -1")
		require.True(t, fault.Is(err, fault.Unsupported), text)
	}
	_, err := parseDocument(raw(v1.MediaTypeImageIndex, `{"manifests": [`+entry+`]}`))
	require.ErrorContains(t, err, "has the size -1")
}

func TestDecodingAnEndlessIndexCostsLittle(t *testing.T) { // by itself: others allocate as well
	index := raw(v1.MediaTypeImageIndex, `{"manifests": [{}`+strings.Repeat(",{}", 1_390_000)+`]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	_, err := parseDocument(index)

	runtime.ReadMemStats(&after)
	require.Error(t, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
}
