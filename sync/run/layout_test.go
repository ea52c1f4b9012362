package run_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// pushShelf pushes two repositories whose images share a layer.
func pushShelf(t *testing.T, source *registrytest.Registry) (file string) {
	t.Helper()
	shared := registrytest.RandomLayer(1, 5000)
	source.Push(t, "team/app", "1.0", registrytest.WithAttestations(registrytest.Index(
		registrytest.RandomImage(1, registrytest.WithLayers(shared)),
		registrytest.RandomImage(2, registrytest.WithLayers(shared), registrytest.WithPlatform("linux/arm64")))))
	source.Push(t, "web", "2.0", registrytest.RandomImage(3, registrytest.WithLayers(shared)))
	return allOf(source, "team/app", "web")
}

// requireShelf wants what pushShelf pushed to be in the registry.
func requireShelf(t *testing.T, source, destination *registrytest.Registry) {
	t.Helper()
	require.Equal(t, source.Image(t, "team/app", "1.0"), destination.Image(t, "team/app", "1.0"))
	require.Equal(t, source.Image(t, "web", "2.0"), destination.Image(t, "web", "2.0"))
}

func TestALayoutKeepsSeveralImagesAndTheirSharedBlobsOnce(t *testing.T) {
	t.Parallel()
	source, back, path := registrytest.Start(t), registrytest.Start(t), filepath.Join(t.TempDir(), "shelf")
	file := pushShelf(t, source)
	l := newLab(t, "oci:"+path)

	first := l.sync(file)

	requireAll(t, report.Done, first)
	// index + 2 images + 2 attestations, web; their configs; 2 statements; the shared layer.
	require.Len(t, entriesOf(t, filepath.Join(path, "blobs", "sha256")), 6+5+2+1)
	requireAll(t, report.Unchanged, l.sync(file))
	into := newLab(t, "docker://"+back.Host())
	requireAll(t, report.Done, into.syncImages("oci:"+path))
	requireShelf(t, source, back)
	requireAll(t, report.Unchanged, into.syncImages("oci:"+path))
}

func TestALayoutThatGotNoImageIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(path string) []string{
		"where nothing was":    func(string) []string { return nil },
		"in a directory":       func(path string) []string { require.NoError(t, os.Mkdir(path, 0o755)); return []string{} },
		"beside what is there": func(path string) []string { return fileIn(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf")
			made := registrytest.RandomImage(1)
			source.Push(t, "app", "1.0", made)
			last := "/blobs/" + made.Blobs[len(made.Blobs)-1].Digest().String()
			source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				gone := strings.HasSuffix(req.URL.Path, last)
				if gone {
					w.WriteHeader(http.StatusNotFound)
				}
				return gone
			})
			before := prepare(path)

			results := newLab(t, "oci:"+path).sync(oneOf(source, "app", "1.0"))

			require.Equal(t, report.Failed, results[0].Status)
			if before == nil {
				require.NoDirExists(t, path)
				return
			}
			entries, err := os.ReadDir(path)
			require.NoError(t, err)
			left := []string{}
			for _, entry := range entries {
				left = append(left, entry.Name())
			}
			require.Subset(t, left, before)
			if len(before) == 0 {
				require.Empty(t, left)
			}
		})
	}
}

// fileIn makes a directory with a file that is no image's.
func fileIn(t *testing.T, path string) []string {
	t.Helper()
	require.NoError(t, os.Mkdir(path, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(path, "notes"), nil, 0o600))
	return []string{"notes"}
}

func TestAnOCIArchiveIsLeftAloneInTheSecondRunAndAddedToLater(t *testing.T) {
	t.Parallel()
	source, back, path := registrytest.Start(t), registrytest.Start(t), filepath.Join(t.TempDir(), "shelf.tar")
	file := pushShelf(t, source)
	requireAll(t, report.Done, newLab(t, "oci-archive:"+path).sync(oneOf(source, "web", "2.0")))
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	require.NoError(t, os.Chtimes(path, long, long))

	again := newLab(t, "oci-archive:"+path).sync(oneOf(source, "web", "2.0"))

	requireAll(t, report.Unchanged, again)
	stat, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, stat.ModTime().Equal(long), "the file is not written")
	added := newLab(t, "oci-archive:"+path).sync(file)
	require.Equal(t, report.Done, added[0].Status)
	require.Equal(t, report.Unchanged, added[1].Status)
	require.Equal(t, []string{"shelf.tar"}, entriesOf(t, filepath.Dir(path)))
	requireAll(t, report.Done, newLab(t, "docker://"+back.Host()).syncImages("oci-archive:"+path))
	requireShelf(t, source, back)
}

func TestAnArchiveThatNothingCameIntoIsNotMade(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"oci-archive:", "docker-archive:"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, directory := registrytest.Start(t), t.TempDir()
			source.Push(t, "app", "1.0", registrytest.RandomImage(1))
			source.Intercept(cutOff(registrytest.BlobGet))

			results := newLab(t, transport+filepath.Join(directory, "shelf.tar")).sync(oneOf(source, "app", "1.0"))

			require.Equal(t, report.Failed, results[0].Status)
			require.Empty(t, entriesOf(t, directory))
		})
	}
}
