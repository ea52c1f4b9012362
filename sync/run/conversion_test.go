package run_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/manifest"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// refusing answers manifests of media types that begin so as some registries
// do that do not know them.
func refusing(mediaTypes string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
	refuse := answering(registrytest.ManifestPut, status, code)
	return func(w http.ResponseWriter, req *http.Request) bool {
		return strings.HasPrefix(req.Header.Get("Content-Type"), mediaTypes) && refuse(w, req)
	}
}

const ociTypes = "application/vnd.oci."

// converting is a lab that may change images as skopeo does.
func converting(t *testing.T, destinations ...string) *lab {
	t.Helper()
	l := newLab(t, destinations...)
	l.options.Copier.AllowConversion = true
	return l
}

// formatting is a lab that is asked for a format.
func formatting(t *testing.T, format string, destinations ...string) *lab {
	t.Helper()
	l := newLab(t, destinations...)
	l.options.Copier.Format, l.request.Format = format, format
	return l
}

func TestWhatARegistryRefusesIsConvertedInTheSkopeoFormAndNamedInTheNativeOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
	}{{http.StatusUnsupportedMediaType, "UNSUPPORTED"}, {http.StatusBadRequest, "MANIFEST_INVALID"}} {
		for name, pushed := range map[string]registrytest.Image{
			"an image":        registrytest.RandomImage(1),
			"an index":        registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"),
			"a nested index":  registrytest.Index(registrytest.MultiPlatform(2, "linux/amd64"), registrytest.RandomImage(3)),
			"an index of one": registrytest.Index(registrytest.RandomImage(4, registrytest.WithDocker())),
		} {
			t.Run(fmt.Sprintf("%s %d", name, c.status), func(t *testing.T) {
				t.Parallel()
				source, destination := registrytest.Start(t), registrytest.Start(t)
				source.Push(t, "app", "1.0", pushed)
				destination.Intercept(refusing(ociTypes, c.status, c.code))

				native := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app"))
				skopeo := converting(t, "docker://"+destination.Host()).sync(allOf(source, "app"))

				requireFailure(t, native[0], fault.Unsupported, fault.Destination, "--format v2s2")
				requireAll(t, report.Done, skopeo)
				require.Contains(t, skopeo[0].Reason, "converted to application/vnd.docker.")
				require.Equal(t, skopeo[0].Digest, destination.Digest(t, "app", "1.0"))
				requireDocker(t, destination.Image(t, "app", "1.0"))
			})
		}
	}
}

// requireDocker wants an image to be one of Docker's, with everything below it.
func requireDocker(t *testing.T, image registrytest.Image) {
	t.Helper()
	require.Contains(t, []string{registrytest.DockerManifest, registrytest.DockerList}, image.MediaType)
	for _, child := range image.Children {
		requireDocker(t, child)
	}
}

func TestAnInstanceThatIndexesShareIsConvertedForEach(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	shared := registrytest.RandomImage(1)
	for i := range 6 {
		source.Push(t, "app", fmt.Sprintf("%d.0", i), registrytest.Index(shared,
			registrytest.RandomImage(10+i, registrytest.WithPlatform("linux/arm64"))))
	}
	destination.Intercept(refusing(ociTypes, http.StatusUnsupportedMediaType, "UNSUPPORTED"))
	source.Reset()

	requireAll(t, report.Done, converting(t, "docker://"+destination.Host()).sync(allOf(source, "app")))

	first := destination.Image(t, "app", "0.0").Children[0]
	for i := range 6 {
		index := destination.Image(t, "app", fmt.Sprintf("%d.0", i))
		requireDocker(t, index)
		require.Equal(t, first.Digest(), index.Children[0].Digest())
	}
	require.Equal(t, 7*3, source.Count(registrytest.BlobGet), source.Counts())
}

func TestAFurtherTagFollowsWhatItsImageHasBecome(t *testing.T) {
	t.Parallel()
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	one.Intercept(refusing(ociTypes, http.StatusUnsupportedMediaType, "UNSUPPORTED"))

	results := converting(t, "docker://"+one.Host(), "docker://"+two.Host()).sync(
		oneOf(source, "app", "1.0", "csync: {repositories: {app: {tags: {'1.0': [stable]}}}}"))

	requireAll(t, report.Done, results)
	require.Equal(t, registrytest.DockerManifest, one.Image(t, "app", "stable").MediaType)
	require.Equal(t, one.Digest(t, "app", "1.0"), one.Digest(t, "app", "stable"))
	require.Equal(t, source.Digest(t, "app", "1.0"), two.Digest(t, "app", "stable"))
}

func TestWhatARegistryRefusesInEveryFormatIsUnsupported(t *testing.T) {
	t.Parallel()
	for name, image := range map[string]registrytest.Image{
		"an image": registrytest.RandomImage(1), "an index": registrytest.MultiPlatform(1, "linux/amd64"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1.0", image)
			destination.Intercept(refusing("application/", http.StatusBadRequest, "MANIFEST_INVALID"))

			results := converting(t, "docker://"+destination.Host()).sync(allOf(source, "app"))

			requireFailure(t, results[0], fault.Unsupported, fault.Destination, "manifest invalid")
		})
	}
}

func TestAFormatConvertsImagesAndIndexes(t *testing.T) {
	t.Parallel()
	docker := registrytest.WithDocker()
	list := registrytest.ManifestList(registrytest.RandomImage(1, docker), registrytest.RandomImage(2, docker, registrytest.WithPlatform("linux/arm64")))
	for _, c := range []struct {
		format, mediaType, index string
	}{
		{v1.MediaTypeImageManifest, v1.MediaTypeImageManifest, v1.MediaTypeImageIndex},
		{registrytest.DockerManifest, registrytest.DockerManifest, registrytest.DockerList},
	} {
		for _, pushed := range []registrytest.Image{list, registrytest.MultiPlatform(3, "linux/amd64", "linux/arm64"), registrytest.RandomImage(4), registrytest.RandomImage(5, docker)} {
			t.Run(pushed.MediaType+" to "+c.mediaType, func(t *testing.T) {
				t.Parallel()
				source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
				source.Push(t, "app", "1.0", pushed)
				source.Reset()

				requireAll(t, report.Done, formatting(t, c.format, "docker://"+one.Host(), "docker://"+two.Host()).sync(allOf(source, "app")))

				images := []registrytest.Image{one.Image(t, "app", "1.0")}
				require.Equal(t, images[0], two.Image(t, "app", "1.0"))
				if len(pushed.Children) > 0 {
					require.Equal(t, c.index, images[0].MediaType)
					images = images[0].Children
				}
				for _, image := range images {
					require.Equal(t, c.mediaType, image.MediaType)
				}
				require.Equal(t, 3*len(images), source.Count(registrytest.BlobGet), "each blob is read once: %s", source.Counts())
			})
		}
	}
}

func TestAFormatConvertsSchema1ReadingEachLayerOnce(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	stored := registrytest.RandomImage(1)
	upper, base := stored.Blobs[2], stored.Blobs[1]
	old := schema1(upper, base)
	source.Push(t, "app", "stored", stored)
	source.Intercept(serving(old, "1.0"))
	source.Reset()

	results := formatting(t, registrytest.DockerManifest, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0"))

	requireAll(t, report.Done, results)
	written := destination.Image(t, "app", "1.0")
	require.Equal(t, registrytest.DockerManifest, written.MediaType)
	require.Equal(t, base.Content, written.Blobs[1].Content)
	require.Equal(t, upper.Content, written.Blobs[2].Content)
	require.Equal(t, 2, source.Count(registrytest.BlobGet), source.Counts())
	require.Equal(t, source.BlobBytesRead()+int64(len(old.Manifest)), results[0].BytesRead)
	require.Equal(t, destination.BlobBytesWritten()+int64(len(written.Manifest)), results[0].BytesWritten)
}

// schema1 is an image of Docker's oldest format.
func schema1(upper, base registrytest.Blob) registrytest.Image {
	return registrytest.Image{MediaType: manifest.DockerV2Schema1MediaType, Manifest: fmt.Appendf(nil, `{
		"schemaVersion": 1, "name": "app", "tag": "1.0", "architecture": "amd64", "fsLayers": [{"blobSum": %q}, {"blobSum": %q}],
		"history": [
			{"v1Compatibility": "{\"id\":\"%s\",\"parent\":\"%s\",\"os\":\"linux\",\"architecture\":\"amd64\"}"},
			{"v1Compatibility": "{\"id\":\"%s\"}"}]}`,
		upper.Digest(), base.Digest(), upper.Digest().Encoded(), base.Digest().Encoded(), base.Digest().Encoded())}
}

func TestUncompressedLayersAreCompressedWhereImagesMayChange(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	plain := registrytest.Blob{MediaType: v1.MediaTypeImageLayer, Content: []byte(strings.Repeat("a layer, or what is taken for one\n", 100))}
	source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithLayers(plain, registrytest.RandomLayer(1, 100))))
	for name, lab := range map[string]func(*testing.T, ...string) *lab{
		"as it is":  func(t *testing.T, places ...string) *lab { return newLab(t, places...) },
		"skopeo":    converting,
		"as format": func(t *testing.T, places ...string) *lab { return formatting(t, v1.MediaTypeImageManifest, places...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destination := registrytest.Start(t)

			results := lab(t, "docker://"+destination.Host()).sync(allOf(source, "app"))

			requireAll(t, report.Done, results)
			written := destination.Image(t, "app", "1.0")
			require.Equal(t, destination.BlobBytesWritten()+int64(len(written.Manifest)), results[0].BytesWritten)
			if name == "as it is" {
				require.Equal(t, source.Digest(t, "app", "1.0"), written.Digest())
				return
			}
			require.Equal(t, v1.MediaTypeImageLayerGzip, written.Blobs[1].MediaType)
			require.Less(t, written.Blobs[1].Size(), plain.Size())
			require.False(t, destination.HasBlob(t, "app", plain.Digest()))
		})
	}
}

func TestSignedImagesAreNotConverted(t *testing.T) {
	t.Parallel()
	signed, source := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "image", "1.0", registrytest.RandomImage(1))
	source.Push(t, "index", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	_, signer := sigstoreOf(t, ours)
	signing := newLab(t, "docker://"+signed.Host())
	useAttachments(t, signing)
	signing.options.Copier.Signers = append(signing.options.Copier.Signers, signer)
	requireAll(t, report.Done, signing.sync(allOf(source, "image", "index")))
	destination := registrytest.Start(t)
	l := formatting(t, registrytest.DockerManifest, "docker://"+destination.Host())
	useAttachments(t, l)

	results := l.sync(oneOf(signed, "index", "1.0"))
	requireFailure(t, results[0], fault.Unsupported, fault.Destination, "must be converted", "Would invalidate signatures")
	require.False(t, destination.HasTag(t, "index", "1.0"))
	requireAll(t, report.Done, l.sync(oneOf(signed, "image", "1.0")))
	require.Equal(t, source.Digest(t, "image", "1.0"), destination.Digest(t, "image", "1.0"), "as skopeo has it")

	l.options.Copier.RemoveSignatures = true
	requireAll(t, report.Done, l.sync(oneOf(signed, "index", "1.0")))
	requireDocker(t, destination.Image(t, "index", "1.0"))
}

func TestALayoutKeepsDockersManifestsAsTheyAreUnlessTheyAreToBeConverted(t *testing.T) {
	t.Parallel()
	docker := registrytest.WithDocker()
	for _, transport := range []string{"oci:", "oci-archive:"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, place := registrytest.Start(t), transport+filepath.Join(t.TempDir(), "shelf")
			source.Push(t, "app", "1.0", registrytest.ManifestList(registrytest.RandomImage(1, docker)))
			source.Push(t, "single", "1.0", registrytest.RandomImage(2, docker))

			results := newLab(t, place).sync(allOf(source, "app", "single"))
			requireAll(t, report.Done, results)
			require.Equal(t, registrytest.DockerList, results[0].MediaType)
			require.Equal(t, registrytest.DockerManifest, results[1].MediaType)
			back := registrytest.Start(t)
			requireAll(t, report.Done, newLab(t, "docker://"+back.Host()).syncImages(place))
			require.Equal(t, source.Image(t, "app", "1.0"), back.Image(t, "app", "1.0"))

			results = formatting(t, v1.MediaTypeImageManifest, place).sync(allOf(source, "app"))
			requireAll(t, report.Done, results)
			require.Equal(t, v1.MediaTypeImageIndex, results[0].MediaType)
			requireAll(t, report.Done, newLab(t, "dir:"+t.TempDir()).sync(allOf(source, "app")))
		})
	}
}

func TestAFormatConvertsWithinOneRegistryToo(t *testing.T) {
	t.Parallel()
	both := registrytest.Start(t)
	both.Push(t, "ci/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	both.Reset()

	results := formatting(t, registrytest.DockerManifest, "docker://"+both.Host()+"/prod").sync(allOf(both, "ci/app"))

	requireAll(t, report.Done, results)
	requireDocker(t, both.Image(t, "prod/ci/app", "1.0"))
	require.Equal(t, 4, both.Count(registrytest.Mount), "the layers: %s", both.Counts())
}
