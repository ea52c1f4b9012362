package run_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// deep plans a file again and verifies it to the last blob.
func (l *lab) deep(file string) []report.Result {
	l.t.Helper()
	p := l.plan(file)
	p.VerifyDeep(l.t.Context(), 4)
	return p.Results()
}

// requireMissing says that a blob of an instance is not at a destination.
func requireMissing(t *testing.T, r report.Result, kind fault.Kind, blob registrytest.Blob, instance registrytest.Image) {
	t.Helper()
	requireFailure(t, r, kind, fault.Destination, "blob "+blob.Digest().String()+" of instance "+instance.Digest().String())
}

func TestADeepVerificationFindsTheLayerThatARegistryHasLost(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Distribution(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	for _, repository := range []string{"broken", "good"} {
		source.Push(t, repository, "1.0", index)
		source.Retag(t, repository, "1.0", "1")
	}
	l := newLab(t, "docker://"+destination.Host())
	file := allOf(source, "broken", "good")
	requireAll(t, report.Done, l.sync(file))
	requireAll(t, report.Unchanged, l.deep(file))
	lost, instance := index.Children[1].Blobs[2], index.Children[1]
	destination.DeleteBlob(t, "broken", lost.Digest())
	destination.Reset()

	results := l.deep(file)

	require.Len(t, results, 4)
	requireMissing(t, results[0], fault.NotFound, lost, instance)
	requireMissing(t, results[1], fault.NotFound, lost, instance)
	requireAll(t, report.Unchanged, results[2:])
	require.Equal(t, 2*6, destination.Count(registrytest.BlobHead), "each blob once a repository")
	requireOnlyReads(t, destination)
	p := l.plan(file)
	p.Verify(t.Context(), 4)
	requireAll(t, report.Unchanged, p.Results()) // which needs no blob
}

func TestADeepVerificationReadsWhatIsInDirectoriesAndLayouts(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	image := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	source.Push(t, "app", "1.0", image)
	lost, instance := image.Children[1].Blobs[1], image.Children[1]
	paths := map[string]func(top string, d digest.Digest) string{
		"dir": func(top string, d digest.Digest) string { return filepath.Join(top, "app:1.0", d.Encoded()) },
		"oci": func(top string, d digest.Digest) string { return filepath.Join(top, "blobs/sha256", d.Encoded()) },
	}
	for kind, path := range paths {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			top := filepath.Join(t.TempDir(), "shelf")
			l, file, blob := newLab(t, kind+":"+top), oneOf(source, "app", "1.0"), path(top, lost.Digest())
			requireAll(t, report.Done, l.sync(file))
			requireAll(t, report.Unchanged, l.deep(file))
			whole, err := os.ReadFile(blob)
			require.NoError(t, err)

			bent := append([]byte{whole[0] ^ 1}, whole[1:]...)
			require.NoError(t, os.WriteFile(blob, bent, 0o600))
			requireMissing(t, l.deep(file)[0], fault.DigestMismatch, lost, instance)
			require.NoError(t, os.WriteFile(blob, whole[1:], 0o600))
			requireMissing(t, l.deep(file)[0], fault.DigestMismatch, lost, instance)
			require.NoError(t, os.Remove(blob))
			requireMissing(t, l.deep(file)[0], fault.NotFound, lost, instance)
		})
	}
}

func TestADeepVerificationFindsWhatIsWrongInAnArchive(t *testing.T) {
	t.Parallel()
	source, shelf := registrytest.Start(t), filepath.Join(t.TempDir(), "oci.tar")
	image := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	source.Push(t, "app", "1.0", image)
	bent, instance := image.Children[1].Blobs[1], image.Children[1]
	place, file := "oci-archive:"+shelf, oneOf(source, "app", "1.0")
	requireAll(t, report.Done, newLab(t, place).sync(file))
	requireAll(t, report.Unchanged, newLab(t, place).deep(file))
	archive, err := os.ReadFile(shelf)
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(archive, bent.Content))

	changed := bytes.Replace(archive, bent.Content, append([]byte{bent.Content[0] ^ 1}, bent.Content[1:]...), 1)
	require.NoError(t, os.WriteFile(shelf, changed, 0o600))
	requireMissing(t, newLab(t, place).deep(file)[0], fault.DigestMismatch, bent, instance)
	require.NoError(t, os.WriteFile(shelf, without(t, archive, bent.Digest().Encoded()), 0o600))
	requireMissing(t, newLab(t, place).deep(file)[0], fault.NotFound, bent, instance)
}

func TestADeepVerificationReadsArchivesAndStores(t *testing.T) {
	t.Parallel()
	source, top := registrytest.Start(t), t.TempDir()
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	source.Push(t, "app", "2.0", registrytest.RandomImage(2))
	places := []string{"oci-archive:" + filepath.Join(top, "oci.tar"), "docker-archive:" + filepath.Join(top, "docker.tar")}
	if asRoot(t) {
		places = append(places, "containers-storage:[vfs@"+filepath.Join(top, "root")+"+"+filepath.Join(top, "run")+"]")
	}
	for _, place := range places {
		l, file := newLab(t, place), allOf(source, "app")
		requireAll(t, report.Done, l.sync(file))
		results := newLab(t, place).deep(file)
		require.Len(t, results, 2)
		requireAll(t, report.Unchanged, results)
	}
}

// without is a tar file without one of its files.
func without(t *testing.T, archive []byte, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	from, to := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&out)
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			require.NoError(t, to.Close())
			return out.Bytes()
		}
		require.NoError(t, err)
		if path.Base(header.Name) == name {
			continue
		}
		require.NoError(t, to.WriteHeader(header))
		_, err = io.Copy(to, from)
		require.NoError(t, err)
	}
}
