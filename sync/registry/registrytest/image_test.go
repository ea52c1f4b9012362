package registrytest_test

import (
	"encoding/json"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestRandomImageDependsOnItsSeedOnly(t *testing.T) {
	t.Parallel()
	require.Equal(t, registrytest.RandomImage(1), registrytest.RandomImage(1))
	require.NotEqual(t, registrytest.RandomImage(1).Digest(), registrytest.RandomImage(2).Digest())
	require.Equal(t, "sha256:969065cbdb121967b46b82ce12543bf9ca72ef0c5b31d8095ea48bded3b302a0",
		registrytest.RandomImage(1).Digest().String(), "golden files rely on it")
}

func TestImageOptionsReachManifestAndConfig(t *testing.T) {
	t.Parallel()
	shared := registrytest.RandomLayer(7, 10)
	image := registrytest.RandomImage(1, registrytest.WithDocker(), registrytest.WithPlatform("linux/arm/v7"),
		registrytest.WithLayers(shared), registrytest.WithConfig(func(c *ocispec.Image) { c.Author = "ci" }))

	require.Equal(t, registrytest.DockerManifest, image.MediaType)
	require.Equal(t, &ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}, image.Platform)
	require.Equal(t, []string{registrytest.DockerConfig, registrytest.DockerLayer},
		[]string{image.Blobs[0].MediaType, image.Blobs[1].MediaType})
	require.Equal(t, shared.Digest(), image.Blobs[1].Digest())
	var config ocispec.Image
	require.NoError(t, json.Unmarshal(image.Blobs[0].Content, &config))
	require.Equal(t, "ci", config.Author)
	require.Equal(t, "v7", config.Variant)
	require.NotEqual(t, shared.Digest(), config.RootFS.DiffIDs[0], "a diff ID is of uncompressed content")
}

func TestWithAttestationsTiesEachToItsImage(t *testing.T) {
	t.Parallel()
	index := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/ppc64le"))
	require.Len(t, index.Children, 4)
	for i, attestation := range index.Children[2:] {
		require.Equal(t, "unknown", attestation.Platform.OS)
		require.Equal(t, index.Children[i].Digest().String(), attestation.Annotations["vnd.docker.reference.digest"])
	}
}

func TestCosignSignatureHasTheTagThatCosignLooksFor(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	tag, signature := registrytest.CosignSignature(image)
	require.Equal(t, "sha256-"+image.Digest().Encoded()+".sig", tag)
	require.Contains(t, string(signature.Blobs[1].Content), image.Digest().String())
}

// everything is an image of each sort that registries have to take.
func everything() map[string]registrytest.Image {
	docker := registrytest.RandomImage(3, registrytest.WithDocker())
	index := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	_, signature := registrytest.CosignSignature(docker)
	return map[string]registrytest.Image{
		"image":        registrytest.RandomImage(1),
		"docker-image": docker,
		"docker-list":  registrytest.ManifestList(docker),
		"attested":     index,
		"nested":       registrytest.Index(index, registrytest.RandomImage(4)),
		"signature":    signature,
		"artifact": registrytest.Artifact(nil, "application/vnd.example",
			registrytest.Blob{MediaType: "text/plain", Content: []byte("hello")}),
	}
}

func TestRegistryReturnsWhatWasPushed(t *testing.T) {
	t.Parallel()
	registries := map[string]*registrytest.Registry{
		"olareg":       registrytest.Start(t),
		"distribution": registrytest.Distribution(t),
	}
	for name, r := range registries {
		for tag, image := range everything() {
			r.Push(t, "a/b", tag, image)
			require.Equal(t, image.Digest(), r.Digest(t, "a/b", tag))
			pulled := r.Image(t, "a/b", tag)
			pulled.Platform = image.Platform // a manifest does not name its own
			require.Equal(t, image, pulled, "%s in %s", tag, name)
		}
		require.Len(t, r.Tags(t, "a/b"), len(everything()), name)
	}
}

func TestRetagAndDeleteChangeTags(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	digest := r.Push(t, "a", "1", registrytest.RandomImage(1))
	r.Retag(t, "a", "1", "2")
	require.Equal(t, digest, r.Digest(t, "a", "2"))
	r.Delete(t, "a", "1")
	require.Equal(t, []string{"2"}, r.Tags(t, "a"))
	require.False(t, r.HasTag(t, "a", "1"))
	require.False(t, r.HasTag(t, "b", "1"))
	require.Empty(t, r.Tags(t, "b"))
}

func TestArtifactIsListedAsReferrerOfItsSubject(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	subject := registrytest.RandomImage(1)
	artifact := registrytest.Artifact(&subject, "application/vnd.example")
	r.Push(t, "a", "1", subject)
	r.Push(t, "a", "", artifact)
	require.True(t, r.HasTag(t, "a", artifact.Digest().String()))
	_, list := ask(t, client(t, r), "GET", r.URL()+"/v2/a/referrers/"+subject.Digest().String())
	require.Contains(t, list, artifact.Digest().String())
}
