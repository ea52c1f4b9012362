package content

import (
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

// single is the descriptor of an image for a platform, as Docker's or OCI's.
func single(seed int, platform string, options ...registrytest.ImageOption) v1.Descriptor {
	return registrytest.RandomImage(seed, append(options, registrytest.WithPlatform(platform))...).Descriptor()
}

func TestAnAssembledIndexListsItsImagesInTheOrderGivenAndNothingElseOfThem(t *testing.T) {
	t.Parallel()
	ppc, amd64 := single(1, "linux/ppc64le"), single(2, "linux/amd64")
	windows := single(3, "windows/amd64")
	windows.Platform.OSVersion, windows.Platform.OSFeatures = "10.0.17763.1", []string{"win32k"}
	noisy := amd64
	noisy.Annotations, noisy.URLs, noisy.ArtifactType = map[string]string{"a": "b"}, []string{"https://example.com"}, "x/y"

	m, err := Assemble([]v1.Descriptor{ppc, noisy, windows}, "")

	require.NoError(t, err)
	require.Equal(t, []v1.Descriptor{ppc, amd64, windows}, parsed(t, m).Manifests)
	again, err := Assemble([]v1.Descriptor{ppc, amd64, windows}, "")
	require.NoError(t, err)
	require.Equal(t, m, again)
}

func TestAnAssembledIndexIsDockersWhereAllItsImagesAre(t *testing.T) {
	t.Parallel()
	docker, oci := single(1, "linux/amd64", registrytest.WithDocker()), single(2, "linux/arm64")
	old := single(3, "linux/s390x")
	old.MediaType = schema1
	for _, c := range []struct {
		name, asked, want string
		images            []v1.Descriptor
	}{
		{"Docker's", "", registrytest.DockerList, []v1.Descriptor{docker}},
		{"OCI's", "", v1.MediaTypeImageIndex, []v1.Descriptor{oci}},
		{"both", "", v1.MediaTypeImageIndex, []v1.Descriptor{docker, oci}},
		{"schema 1", "", v1.MediaTypeImageIndex, []v1.Descriptor{docker, old}},
		{"Docker's as OCI's", v1.MediaTypeImageIndex, v1.MediaTypeImageIndex, []v1.Descriptor{docker}},
		{"OCI's as Docker's", registrytest.DockerList, registrytest.DockerList, []v1.Descriptor{oci}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := Assemble(c.images, c.asked)
			require.NoError(t, err)
			require.Equal(t, c.want, m.MediaType)
			require.Equal(t, c.images, parsed(t, m).Manifests)
		})
	}
}

func TestTwoImagesForOnePlatformAreAConflict(t *testing.T) {
	t.Parallel()
	versioned := single(4, "windows/amd64")
	versioned.Platform.OSVersion = "10.0.2"
	for _, twice := range [][]v1.Descriptor{
		{single(1, "linux/amd64"), single(2, "linux/amd64")},
		{single(1, "linux/arm64"), single(2, "linux/arm64/v8")},
	} {
		_, err := Assemble(twice, "")
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		require.ErrorContains(t, err, twice[0].Digest.String()+" and "+twice[1].Digest.String())
	}
	for _, apart := range [][]v1.Descriptor{
		{single(1, "linux/arm/v6"), single(2, "linux/arm/v7")},
		{single(3, "windows/amd64"), versioned},
	} {
		_, err := Assemble(apart, "")
		require.NoError(t, err)
	}
}

func TestAnIndexIsAssembledOfImagesOnly(t *testing.T) {
	t.Parallel()
	good, anonymous, empty, index := single(1, "linux/amd64"), single(2, "linux/amd64"), single(3, "linux/amd64"), single(4, "linux/amd64")
	anonymous.Platform, empty.Digest, index.MediaType = nil, "", registrytest.DockerList
	for name, c := range map[string]struct {
		images    []v1.Descriptor
		mediaType string
	}{
		"no image":        {nil, ""},
		"no platform":     {[]v1.Descriptor{good, anonymous}, ""},
		"no digest":       {[]v1.Descriptor{empty}, ""},
		"an index":        {[]v1.Descriptor{index}, ""},
		"no index at all": {[]v1.Descriptor{good}, v1.MediaTypeImageManifest},
	} {
		_, err := Assemble(c.images, c.mediaType)
		require.True(t, fault.Is(err, fault.Input), "%s: %v", name, err)
	}
}

func TestThePlatformOfAnImageIsInItsConfig(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1, registrytest.WithPlatform("linux/arm/v7"))
	artifact := registrytest.Artifact(nil, "application/x")
	anonymous := registrytest.RandomImage(2, registrytest.WithConfig(func(c *v1.Image) { c.Platform = v1.Platform{} }))
	source := stockOf(image, artifact, anonymous)

	platform, err := PlatformOf(t.Context(), source, manifestOf(image))
	require.NoError(t, err)
	require.Equal(t, v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}, platform)

	old := raw(schema1, `{"schemaVersion":1,"architecture":"ppc64le","fsLayers":[{"blobSum":"`+digest.FromString("").String()+`"}]}`)
	platform, err = PlatformOf(t.Context(), source, old)
	require.NoError(t, err)
	require.Equal(t, v1.Platform{OS: "linux", Architecture: "ppc64le"}, platform)

	for _, m := range []registrytest.Image{artifact, anonymous, registrytest.Index(image)} {
		_, err = PlatformOf(t.Context(), source, manifestOf(m))
		require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
	}
}
