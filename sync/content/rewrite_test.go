package content

import (
	"encoding/json"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

const schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

func TestIndexesHaveTheFormatOfTheirInstances(t *testing.T) {
	t.Parallel()
	for format, list := range map[string]string{
		"":                          "",
		v1.MediaTypeImageManifest:   v1.MediaTypeImageIndex,
		registrytest.DockerManifest: registrytest.DockerList,
		schema1:                     registrytest.DockerList,
	} {
		require.Equal(t, list, ListFormat(format), format)
	}
	require.Equal(t, v1.MediaTypeImageIndex, OtherList(registrytest.DockerList))
	require.Equal(t, registrytest.DockerList, OtherList(v1.MediaTypeImageIndex))
}

// parsed is what an index lists.
func parsed(t *testing.T, m registry.Manifest) v1.Index {
	t.Helper()
	require.Equal(t, digest.FromBytes(m.Bytes), m.Digest)
	require.EqualValues(t, len(m.Bytes), m.Size)
	var index v1.Index
	require.NoError(t, json.Unmarshal(m.Bytes, &index))
	require.Equal(t, m.MediaType, index.MediaType)
	return index
}

func TestAnIndexInWhichNothingChangesKeepsItsBytes(t *testing.T) {
	t.Parallel()
	spaced := manifestOf(registrytest.MultiPlatform(1, "linux/amd64"))
	spaced.Bytes = append(spaced.Bytes, " \n"...)
	for _, mediaType := range []string{"", v1.MediaTypeImageIndex} {
		rewritten, err := Rewrite(spaced, nil, mediaType)
		require.NoError(t, err)
		require.Equal(t, spaced, rewritten)
	}
}

func TestAnIndexNamesWhatItsInstancesHaveBecome(t *testing.T) {
	t.Parallel()
	image := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm/v7"))
	became := v1.Descriptor{MediaType: registrytest.DockerManifest, Digest: digest.FromString("converted"), Size: 77}

	for _, mediaType := range []string{"", registrytest.DockerList} {
		rewritten, err := Rewrite(manifestOf(image), map[digest.Digest]v1.Descriptor{image.Children[1].Digest(): became}, mediaType)
		require.NoError(t, err)
		index := parsed(t, rewritten)
		require.Len(t, index.Manifests, 4)
		for i, entry := range index.Manifests {
			want := image.Children[i].Descriptor()
			if i == 1 {
				want.MediaType, want.Digest, want.Size = became.MediaType, became.Digest, became.Size
			}
			if mediaType != "" {
				want.Annotations = nil // which Docker's lists do not have
			}
			require.Equal(t, want, entry)
		}
	}
}

func TestAnInstanceThatAnIndexRepeatsChangesEverywhereInIt(t *testing.T) {
	t.Parallel()
	amd64 := registrytest.RandomImage(1)
	again := amd64
	again.Platform = &v1.Platform{OS: "linux", Architecture: "arm64"}
	became := v1.Descriptor{MediaType: registrytest.DockerManifest, Digest: digest.FromString("converted"), Size: 77}

	rewritten, err := Rewrite(manifestOf(registrytest.Index(amd64, again)), map[digest.Digest]v1.Descriptor{amd64.Digest(): became}, "")

	require.NoError(t, err)
	index := parsed(t, rewritten)
	for i, architecture := range []string{"amd64", "arm64"} {
		require.Equal(t, became.Digest, index.Manifests[i].Digest)
		require.Equal(t, architecture, index.Manifests[i].Platform.Architecture)
	}
}

func TestAListBecomesAnIndexAndBack(t *testing.T) {
	t.Parallel()
	docker := registrytest.WithDocker()
	list := manifestOf(registrytest.ManifestList(
		registrytest.RandomImage(1, docker), registrytest.RandomImage(2, docker, registrytest.WithPlatform("linux/arm/v7"))))

	oci, err := Rewrite(list, nil, v1.MediaTypeImageIndex)
	require.NoError(t, err)
	require.Equal(t, parsed(t, list).Manifests, parsed(t, oci).Manifests)
	back, err := Rewrite(oci, nil, registrytest.DockerList)
	require.NoError(t, err)
	require.Equal(t, parsed(t, list), parsed(t, back))
}

func TestWhatIsNoIndexIsNotRewritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{`, `{"schemaVersion": 2, "manifests": {}}`} {
		_, err := Rewrite(raw(v1.MediaTypeImageIndex, text), nil, registrytest.DockerList)
		require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
	}
}
