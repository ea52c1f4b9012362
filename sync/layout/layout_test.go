package layout_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/layout"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

func manifestOf(made registrytest.Image) registry.Manifest {
	return registry.Manifest{Descriptor: made.Descriptor(), Bytes: made.Manifest}
}

// put writes an image under a tag or its digest.
func put(t *testing.T, r *layout.Repository, identifier string, made registrytest.Image) {
	t.Helper()
	for _, blob := range made.Blobs {
		d := v1.Descriptor{Digest: blob.Digest(), Size: blob.Size()}
		require.NoError(t, r.PutBlob(t.Context(), d, bytes.NewReader(blob.Content)))
	}
	require.NoError(t, r.PutManifest(t.Context(), identifier, manifestOf(made)))
}

func TestNamesAreRepositoriesWithTagsOrDigests(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("x").String()
	for name, want := range map[string][2]string{
		"team/app:1.0":       {"team/app", "1.0"},
		"1.0":                {"", "1.0"},
		"q.io:5000/team/app": {"", "q.io:5000/team/app"},
		"app@" + sum:         {"app", sum},
		sum:                  {"", sum},
	} {
		repository, identifier := layout.Split(name)
		require.Equal(t, want, [2]string{repository, identifier})
		require.Equal(t, name, layout.Join(repository, identifier))
	}
}

func TestATagMovesAndGoesAndLeavesWhatItNamed(t *testing.T) {
	t.Parallel()
	r := layout.Directory(t.TempDir()).Repository("app")
	old, fresh := registrytest.RandomImage(1), registrytest.RandomImage(2)
	_, err := r.Tags(t.Context())
	require.True(t, fault.Is(err, fault.NotFound))
	put(t, r, "hash", old)
	put(t, r, "label", old)

	put(t, r, "label", fresh)

	tags, err := r.Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"hash", "label"}, tags)
	there, err := r.Resolve(t.Context(), "label")
	require.NoError(t, err)
	require.Equal(t, fresh.Digest(), there.Digest)
	require.NoError(t, r.DeleteTag(t.Context(), "label"))
	_, err = r.Resolve(t.Context(), "label")
	require.True(t, fault.Is(err, fault.NotFound))
	require.True(t, fault.Is(r.DeleteTag(t.Context(), "label"), fault.NotFound))
	m, err := r.Manifest(t.Context(), fresh.Digest().String())
	require.NoError(t, err)
	require.Equal(t, fresh.Manifest, m.Bytes)
}

func TestATagIsOfItsRepositoryAlone(t *testing.T) {
	t.Parallel()
	l := layout.Directory(t.TempDir())
	put(t, l.Repository("app"), "1.0", registrytest.RandomImage(1))

	_, err := l.Repository("web").Resolve(t.Context(), "1.0")

	require.True(t, fault.Is(err, fault.NotFound))
	require.Same(t, l.Repository("app"), l.Repository("app"))
}

func TestABlobWithOtherBytesIsNeverThere(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	l := layout.Directory(path)
	wanted := v1.Descriptor{Digest: digest.FromString("right"), Size: 5}
	broken := errors.New("cut off")
	for name, body := range map[string]io.Reader{
		"other bytes": bytes.NewReader([]byte("wrong")),
		"too many":    bytes.NewReader([]byte("right and more")),
		"too few":     bytes.NewReader([]byte("rig")),
		"cut off":     io.MultiReader(bytes.NewReader([]byte("rig")), failing{broken}),
	} {
		require.Error(t, l.PutBlob(t.Context(), wanted, body), name)
		require.False(t, l.Has(wanted), name)
	}
	left, err := filepath.Glob(filepath.Join(path, ".csync-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAManifestWhoseBytesHaveChangedIsAFailureAndWrittenAnew(t *testing.T) {
	t.Parallel()
	path, made := t.TempDir(), registrytest.RandomImage(1)
	r := layout.Directory(path).Repository("app")
	put(t, r, "1.0", made)
	file := filepath.Join(path, "blobs", "sha256", made.Digest().Encoded())
	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("x"), len(made.Manifest)), 0o600))

	_, err := r.Manifest(t.Context(), "1.0")
	require.True(t, fault.Is(err, fault.DigestMismatch), err)

	require.NoError(t, r.PutManifest(t.Context(), "1.0", manifestOf(made)))
	_, err = r.Manifest(t.Context(), "1.0")
	require.NoError(t, err)
}

func TestManyWritersLoseNoEntry(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() { // each as another csync would
			put(t, layout.Directory(path).Repository("app"), string(rune('a'+i)), registrytest.RandomImage(1))
		})
	}
	group.Wait()

	tags, err := layout.Directory(path).Repository("app").Tags(t.Context())
	require.NoError(t, err)
	require.Len(t, tags, 20)
}

func TestAnArchiveIsReadWhetherOrNotItIsCompressed(t *testing.T) {
	t.Parallel()
	path, made := t.TempDir(), registrytest.RandomImage(1)
	put(t, layout.Directory(path).Repository("app"), "1.0", made)
	for _, flags := range []string{"-cf", "-czf"} {
		file := filepath.Join(t.TempDir(), "shelf.tar")
		packed, err := exec.Command("tar", flags, file, "-C", path, ".").CombinedOutput()
		require.NoError(t, err, string(packed))
		r := layout.Archive(file, t.TempDir()).Repository("app")

		m, err := r.Manifest(t.Context(), "1.0")

		require.NoError(t, err)
		require.Equal(t, made.Manifest, m.Bytes)
		body, err := r.Blob(t.Context(), v1.Descriptor{Digest: made.Blobs[1].Digest()})
		require.NoError(t, err)
		read, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, made.Blobs[1].Content, read)
		require.Error(t, r.PutManifest(t.Context(), "2.0", m))
	}
}

func TestAnEntryWithANonsensicalDigestIsRefused(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, "index.json"), []byte(`{"manifests":[{"digest":"sha256:../../etc/passwd"}]}`), 0o600))

	_, err := layout.Directory(path).Entries()

	require.True(t, fault.Is(err, fault.Unsupported), err)
}

func TestWhatIsWithdrawnGoesWithWhatRefersToItAndNothingElse(t *testing.T) {
	t.Parallel()
	path, shared := t.TempDir(), registrytest.RandomLayer(9, 500)
	l := layout.Directory(path)
	r := l.Repository("app")
	goes, stays := registrytest.RandomImage(1, registrytest.WithLayers(shared)), registrytest.RandomImage(2, registrytest.WithLayers(shared))
	put(t, r, "old", goes)
	put(t, r, "new", stays)
	sbom := registrytest.Artifact(&goes, "application/spdx+json")
	signature := registrytest.Artifact(&sbom, "application/vnd.example.signature")
	kept := registrytest.Artifact(&stays, "application/vnd.example.report")
	for _, made := range []registrytest.Image{sbom, signature, kept} {
		put(t, r, made.Digest().String(), made)
	}

	require.NoError(t, l.Withdraw("app:old"))

	entries, err := l.Entries()
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.False(t, l.Has(goes.Descriptor()))
	require.False(t, l.Has(sbom.Descriptor()))
	require.False(t, l.Has(signature.Descriptor()))
	require.True(t, l.Has(kept.Descriptor()))
	require.True(t, l.Has(v1.Descriptor{Digest: shared.Digest(), Size: shared.Size()}))
}
