package image

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/oci/layout"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

// layoutOf is an OCI image layout with the image under the name "1".
func layoutOf(t *testing.T, image registrytest.Image) Location {
	t.Helper()
	top := t.TempDir()
	write := func(name string, content []byte) {
		path := filepath.Join(top, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	var add func(image registrytest.Image)
	add = func(image registrytest.Image) {
		write("blobs/sha256/"+image.Digest().Encoded(), image.Manifest)
		for _, blob := range image.Blobs {
			write("blobs/sha256/"+blob.Digest().Encoded(), blob.Content)
		}
		for _, child := range image.Children {
			add(child)
		}
	}
	add(image)
	descriptor := image.Descriptor()
	descriptor.Annotations = map[string]string{v1.AnnotationRefName: "1"}
	index, err := json.Marshal(v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: []v1.Descriptor{descriptor}})
	require.NoError(t, err)
	write("index.json", index)
	write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	ref, err := layout.NewReference(top, "1")
	require.NoError(t, err)
	return Location{Reference: ref}
}

// directoryOf is a directory as the dir transport has it, of manifests only:
// the top one, and instances by digest.
func directoryOf(t *testing.T, top string, instances map[digest.Digest]string) Location {
	t.Helper()
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, "manifest.json"), []byte(top), 0o600))
	for sum, content := range instances {
		require.NoError(t, os.WriteFile(filepath.Join(path, sum.Encoded()+".manifest.json"), []byte(content), 0o600))
	}
	ref, err := directory.NewReference(path)
	require.NoError(t, err)
	return Location{Reference: ref}
}

func details(t *testing.T, l Location) (content.Details, error) {
	t.Helper()
	contents, err := Read(t.Context(), l)
	require.NoError(t, err)
	defer contents.Close()
	return contents.Details(t.Context())
}

func TestALayoutHasTheDetailsOfTheRegistryItCameFrom(t *testing.T) {
	t.Parallel()
	image := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm/v7"))
	got, err := details(t, layoutOf(t, image))
	require.NoError(t, err)
	require.Equal(t, image.Digest(), got.Digest)
	require.Len(t, got.Instances, 4)
	for i, child := range image.Children {
		instance := got.Instances[i]
		require.Equal(t, child.Digest(), instance.Digest)
		require.Equal(t, content.PlatformName(*child.Platform), instance.Platform)
		require.Equal(t, child.Annotations["vnd.docker.reference.digest"], instance.AttestationFor.String())
		require.Equal(t, child.Blobs[0].Digest(), instance.Config)
		require.Len(t, instance.Layers, len(child.Blobs)-1)
	}
}

func TestALayerThatInstancesShareIsCountedOnce(t *testing.T) {
	t.Parallel()
	shared := registrytest.RandomLayer(1, 1000)
	index := registrytest.Index(
		registrytest.RandomImage(1, registrytest.WithLayers(shared)),
		registrytest.RandomImage(2, registrytest.WithLayers(shared, shared)),
	)
	got, err := details(t, layoutOf(t, index))
	require.NoError(t, err)
	require.Equal(t, shared.Size(), got.Size)
	require.Equal(t, shared.Size(), got.Instances[1].Size)
	require.Len(t, got.Instances[1].Layers, 2)
}

func TestAnInstanceThatIsNotThereIsMissing(t *testing.T) {
	t.Parallel()
	image := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	location := layoutOf(t, image)
	gone := image.Children[1].Digest()
	top := strings.TrimSuffix(location.Reference.StringWithinTransport(), ":1")
	require.NoError(t, os.Remove(filepath.Join(top, "blobs", "sha256", gone.Encoded())))
	got, err := details(t, location)
	require.NoError(t, err)
	require.False(t, got.Instances[0].Missing)
	require.Equal(t, content.Details{Platform: "linux/arm64", Digest: gone, MediaType: v1.MediaTypeImageManifest, Missing: true}, got.Instances[1])
}

func TestTheTypeOfAnArtifactMayBeThatOfItsConfig(t *testing.T) {
	t.Parallel()
	const chart = "application/vnd.cncf.helm.config.v1+json"
	got, err := details(t, directoryOf(t, fmt.Sprintf(
		`{"schemaVersion": 2, "mediaType": %q, "config": {"mediaType": %q, "digest": %q, "size": 2}, "layers": []}`,
		v1.MediaTypeImageManifest, chart, digest.FromString("{}")), nil))
	require.NoError(t, err)
	require.Equal(t, chart, got.ArtifactType)
	require.Empty(t, got.Platform)
}

func TestSchema1SaysMostByItself(t *testing.T) {
	t.Parallel()
	upper, base := digest.FromString("upper"), digest.FromString("base")
	got, err := details(t, directoryOf(t, fmt.Sprintf(`{
		"schemaVersion": 1, "name": "a", "tag": "1", "architecture": "amd64",
		"fsLayers": [{"blobSum": %q}, {"blobSum": %q}],
		"history": [
			{"v1Compatibility": "{\"id\":\"%s\",\"parent\":\"%s\",\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2015-01-02T03:04:05Z\",\"config\":{\"Labels\":{\"a\":\"b\"}}}"},
			{"v1Compatibility": "{\"id\":\"%s\"}"}]}`, upper, base, upper.Encoded(), base.Encoded(), base.Encoded()), nil))
	require.NoError(t, err)
	require.Equal(t, "linux/amd64", got.Platform)
	require.Equal(t, map[string]string{"a": "b"}, got.Labels)
	require.Equal(t, 2015, got.Created.Year())
	require.Equal(t, []content.Layer{{Digest: base, Size: -1}, {Digest: upper, Size: -1}}, got.Layers)
	require.Zero(t, got.Size)
}

// index is one of manifests that are indexes themselves.
func index(children ...digest.Digest) string {
	var entries []v1.Descriptor
	for _, child := range children {
		entries = append(entries, v1.Descriptor{MediaType: v1.MediaTypeImageIndex, Digest: child, Size: 1})
	}
	content, err := json.Marshal(v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: entries})
	if err != nil {
		panic(err)
	}
	return string(content)
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	leaf := index()
	wide := index(slices.Repeat([]digest.Digest{digest.FromString(leaf)}, 40)...)
	wider := index(slices.Repeat([]digest.Digest{digest.FromString(wide)}, 40)...)
	other := digest.FromString("other")
	for name, test := range map[string]struct {
		location Location
		kind     fault.Kind
	}{
		"more instances than any image has": {directoryOf(t, wider, map[digest.Digest]string{digest.FromString(leaf): leaf, digest.FromString(wide): wide}), fault.Unsupported},
		"an instance with another digest":   {directoryOf(t, index(other), map[digest.Digest]string{other: leaf}), fault.DigestMismatch},
		"a manifest that is none":           {directoryOf(t, `[]`, nil), fault.Unsupported},
		"annotations that are none":         {directoryOf(t, `{"schemaVersion": 2, "annotations": 1}`, nil), fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := details(t, test.location)
			require.True(t, fault.Is(err, test.kind), err)
		})
	}
}

func TestNothingAtALocationIsNotFound(t *testing.T) {
	t.Parallel()
	ref, err := layout.NewReference(t.TempDir(), "1")
	require.NoError(t, err)
	_, err = Read(t.Context(), Location{Reference: ref})
	require.True(t, fault.Is(err, fault.NotFound), err)
}
