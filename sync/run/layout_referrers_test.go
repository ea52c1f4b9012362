package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	ocilayout "go.podman.io/image/v5/oci/layout"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	oras_registry "oras.land/oras-go/v2/registry"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// referrersAt are the digests of what refers to a digest, by the registry's API.
func (l *lab) referrersAt(r *registrytest.Registry, repository string, of digest.Digest) []digest.Digest {
	l.t.Helper()
	named, err := reference.ParseNormalizedNamed(r.Host() + "/" + repository)
	require.NoError(l.t, err)
	there, err := l.client.Source(named, l.access)
	require.NoError(l.t, err)
	found, err := there.Referrers(l.t.Context(), of)
	require.NoError(l.t, err)
	return digestsOf(found)
}

func digestsOf(found []v1.Descriptor) []digest.Digest {
	var all []digest.Digest
	for _, d := range found {
		all = append(all, d.Digest)
	}
	return all
}

// entries are those of the layout at path.
func layoutEntries(t *testing.T, path string) []v1.Descriptor {
	t.Helper()
	read, err := os.ReadFile(filepath.Join(path, "index.json"))
	require.NoError(t, err)
	var index v1.Index
	require.NoError(t, json.Unmarshal(read, &index))
	return index.Manifests
}

func TestWhatRefersToImagesTravelsOnADiskAndBackIntoARegistry(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"oci:", "oci-archive:"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, closed, place := registrytest.Start(t), registrytest.Start(t), transport+filepath.Join(t.TempDir(), "shelf.tar")
			s, file := pushSigned(t, source, "team/app", "1.0"), oneOf(source, "team/app", "1.0")+withReferrers

			first := newLab(t, place).sync(file)

			requireAll(t, report.Done, first)
			require.Len(t, first, 6)
			for _, result := range first {
				require.True(t, result.Verified, result.Destination)
			}
			requireAll(t, report.Unchanged, newLab(t, place).sync(file))
			into := newLab(t, "docker://"+closed.Host())
			back := into.syncImages(place)
			requireAll(t, report.Done, back)
			require.Len(t, back, 6)
			s.requireSigned(t, source, closed)
			require.Equal(t, []digest.Digest{s.sbom.Digest()}, into.referrersAt(closed, "team/app", s.index.Digest()))
			require.Equal(t, []digest.Digest{s.sbomSignature.Digest()}, into.referrersAt(closed, "team/app", s.sbom.Digest()))
			requireAll(t, report.Unchanged, into.syncImages(place))
		})
	}
}

func TestASecondRunCompletesWhatIsMissingOnTheDiskAndInTheRegistry(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"oci:", "oci-archive:"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, closed, place := registrytest.Start(t), registrytest.Start(t), transport+filepath.Join(t.TempDir(), "shelf")
			s, file := pushSigned(t, source, "app", "1.0"), oneOf(source, "app", "1.0")+withReferrers
			requireAll(t, report.Done, newLab(t, place).sync(file))
			into := newLab(t, "docker://"+closed.Host())
			requireAll(t, report.Done, into.syncImages(place))
			later := registrytest.Artifact(&s.index, "application/vnd.example.attestation")
			source.Push(t, "app", "", later)

			onDisk := newLab(t, place).sync(file)

			require.Len(t, onDisk, 7)
			requireOnly(t, onDisk, later.Digest())
			requireOnly(t, into.syncImages(place), later.Digest())
			require.Contains(t, into.referrersAt(closed, "app", s.index.Digest()), later.Digest())
		})
	}
}

// requireOnly wants one manifest to have been written, and all else to be in place.
func requireOnly(t *testing.T, results []report.Result, written digest.Digest) {
	t.Helper()
	require.Contains(t, digestsWritten(results), written)
	for _, result := range results {
		if result.Digest == written {
			require.Equal(t, report.Done, result.Status, result.Destination)
			continue
		}
		require.Equal(t, report.Unchanged, result.Status, "%s: %v", result.Destination, result.Error)
	}
}

func digestsWritten(results []report.Result) []digest.Digest {
	var all []digest.Digest
	for _, result := range results {
		all = append(all, result.Digest)
	}
	return all
}

func TestReferrersAreEntriesWithoutANameAndCosignsTagsAreNames(t *testing.T) {
	t.Parallel()
	source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf")
	s := pushSigned(t, source, "team/app", "1.0")

	requireAll(t, report.Done, newLab(t, "oci:"+path).sync(oneOf(source, "team/app", "1.0")+withReferrers))

	names := map[digest.Digest]string{}
	for _, d := range layoutEntries(t, path) {
		names[d.Digest] = d.Annotations[v1.AnnotationRefName]
		if d.Digest == s.sbom.Digest() {
			require.Equal(t, "application/spdx+json", d.ArtifactType)
		}
	}
	require.Equal(t, "team/app:1.0", names[s.index.Digest()])
	for _, referrer := range []registrytest.Image{s.sbom, s.sbomSignature, s.childReport} {
		require.Contains(t, names, referrer.Digest())
		require.Empty(t, names[referrer.Digest()])
	}
	require.Equal(t, "team/app:"+s.cosignTag, names[source.Digest(t, "team/app", s.cosignTag)])
}

func TestOrasFindsInALayoutWhatRefersToAnImage(t *testing.T) {
	t.Parallel()
	source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf")
	s := pushSigned(t, source, "team/app", "1.0")
	requireAll(t, report.Done, newLab(t, "oci:"+path).sync(oneOf(source, "team/app", "1.0")+withReferrers))

	store, err := oci.New(path)

	require.NoError(t, err)
	there, err := store.Resolve(t.Context(), "team/app:1.0")
	require.NoError(t, err)
	require.Equal(t, s.index.Digest(), there.Digest)
	found, err := oras_registry.Referrers(t.Context(), store, there, "")
	require.NoError(t, err)
	require.Equal(t, []digest.Digest{s.sbom.Digest()}, digestsOf(found))
}

func TestALayoutThatOrasHasWrittenIsReadWithWhatRefersToItsImages(t *testing.T) {
	t.Parallel()
	closed, path := registrytest.Start(t), filepath.Join(t.TempDir(), "app")
	store, err := oci.New(path)
	require.NoError(t, err)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	sbom := registrytest.Artifact(&index, "application/spdx+json")
	pushToOras(t, store, index)
	pushToOras(t, store, sbom)
	require.NoError(t, store.Tag(t.Context(), index.Descriptor(), "1.0"))
	into := newLab(t, "docker://"+closed.Host())

	results := into.syncImages("oci:" + path)

	requireAll(t, report.Done, results)
	require.Len(t, results, 2, "the index and its SBOM, and no instance by itself")
	require.Equal(t, index.Digest(), closed.Digest(t, "app", "1.0"))
	require.Equal(t, []digest.Digest{sbom.Digest()}, into.referrersAt(closed, "app", index.Digest()))
	requireAll(t, report.Unchanged, into.syncImages("oci:"+path))
}

// pushToOras writes an image as oras does: every manifest is an entry.
func pushToOras(t *testing.T, store *oci.Store, made registrytest.Image) {
	t.Helper()
	for _, child := range made.Children {
		pushToOras(t, store, child)
	}
	for _, blob := range made.Blobs {
		pushBytes(t, store, blob.MediaType, blob.Content)
	}
	pushBytes(t, store, made.MediaType, made.Manifest)
}

func pushBytes(t *testing.T, store *oci.Store, mediaType string, bytes []byte) {
	t.Helper()
	there, err := store.Exists(t.Context(), v1.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(bytes), Size: int64(len(bytes))})
	require.NoError(t, err)
	if there {
		return
	}
	_, err = oras.PushBytes(context.WithoutCancel(t.Context()), store, mediaType, bytes)
	require.NoError(t, err)
}

func TestReferrersThatRegctlListsUnderTheirTagAreFound(t *testing.T) {
	t.Parallel()
	closed, path := registrytest.Start(t), filepath.Join(t.TempDir(), "app")
	store, err := oci.New(path)
	require.NoError(t, err)
	made := registrytest.RandomImage(1)
	sbom := registrytest.Artifact(&made, "application/spdx+json")
	list := registrytest.Index(sbom)
	pushToOras(t, store, made)
	pushToOras(t, store, list)
	require.NoError(t, store.Tag(t.Context(), made.Descriptor(), "1.0"))
	require.NoError(t, store.Tag(t.Context(), list.Descriptor(), "sha256-"+made.Digest().Encoded()))
	into := newLab(t, "docker://"+closed.Host())

	into.syncImages("oci:" + path)

	require.Equal(t, []digest.Digest{sbom.Digest()}, into.referrersAt(closed, "app", made.Digest()))
}

func TestDirectoriesSkipWhatRefersToTheImagesOfALayout(t *testing.T) {
	t.Parallel()
	source, place := registrytest.Start(t), "oci:"+filepath.Join(t.TempDir(), "shelf")
	made := registrytest.RandomImage(1)
	source.Push(t, "app", "1.0", made)
	source.Push(t, "app", "", registrytest.Artifact(&made, "application/spdx+json"))
	requireAll(t, report.Done, newLab(t, place).sync(oneOf(source, "app", "1.0")+withReferrers))

	results := newLab(t, "dir:"+t.TempDir()).syncImages(place)

	require.Len(t, results, 2)
	require.Equal(t, report.Done, results[0].Status)
	require.Equal(t, report.Skipped, results[1].Status)
	require.Contains(t, results[1].Reason, "only a registry or an OCI layout")
}

func TestSkopeoReadsWhatALayoutKeepsAsItIs(t *testing.T) {
	t.Parallel()
	skopeo := needProgram(t, "skopeo")
	source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf")
	docker := registrytest.WithDocker()
	source.Push(t, "docker/app", "1.0", registrytest.ManifestList(registrytest.RandomImage(1, docker)))
	source.Push(t, "docker/web", "1.0", registrytest.RandomImage(2, docker))
	pushSigned(t, source, "team/app", "1.0")
	requireAll(t, report.Done, newLab(t, "oci:"+path).sync(allOf(source, "docker/app", "docker/web", "team/app")+withReferrers))

	said, err := exec.CommandContext(t.Context(), skopeo, "inspect", "--raw", "oci:"+path+":team/app:1.0").CombinedOutput()
	require.NoError(t, err, string(said))
	require.Equal(t, source.Manifest(t, "team/app", "1.0"), said)
	for _, name := range []string{"docker/app", "docker/web", "team/app"} { // as later versions do
		ref, err := ocilayout.NewReference(path, name+":1.0")
		require.NoError(t, err)
		opened, err := ref.NewImageSource(t.Context(), nil)
		require.NoError(t, err)
		read, _, err := opened.GetManifest(t.Context(), nil)
		require.NoError(t, errors.Join(err, opened.Close()))
		require.Equal(t, source.Manifest(t, name, "1.0"), read)
	}
}
