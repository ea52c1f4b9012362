package run_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestADirectoryIsUnchangedInTheSecondRun(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	sum := source.Push(t, "app", "1.0", registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")))
	l := newLab(t, "dir:"+directory)
	first := l.sync(allOf(source, "app"))
	requireAll(t, report.Done, first)
	require.Equal(t, sum, first[0].Digest)
	source.Reset()

	second := l.sync(allOf(source, "app"))

	requireAll(t, report.Unchanged, second)
	require.Zero(t, source.Count(registrytest.BlobGet))
	require.Equal(t, []string{"app:1.0"}, entriesOf(t, directory))
}

func TestADirectoryIsReplacedWhenTheTagMoved(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	old := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "dir:"+directory)
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0")))
	source.Push(t, "app", "1.0", registrytest.RandomImage(2))

	results := l.sync(oneOf(source, "app", "1.0"))

	requireAll(t, report.Done, results)
	require.Equal(t, old, results[0].PreviousDigest)
	manifest, err := os.ReadFile(filepath.Join(directory, "app:1.0", "manifest.json"))
	require.NoError(t, err)
	require.Equal(t, registrytest.RandomImage(2).Manifest, manifest)
	require.Equal(t, []string{"app:1.0"}, entriesOf(t, directory))
	for _, blob := range registrytest.RandomImage(1).Blobs {
		require.NoFileExists(t, filepath.Join(directory, "app:1.0", blob.Digest().Encoded()))
	}
}

func TestAFailedCopyIntoADirectoryLeavesTheOldImage(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "dir:"+directory)
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0")))
	source.Push(t, "app", "1.0", registrytest.RandomImage(2))
	source.Push(t, "new", "1.0", registrytest.RandomImage(3))
	source.Intercept(cutOff(registrytest.BlobGet))

	results := l.sync(allOf(source, "app", "new"))

	require.Len(t, results, 2)
	for _, result := range results {
		require.Equal(t, report.Failed, result.Status)
		require.Equal(t, fault.Source, result.Error.Side, result.Error.Message)
	}
	require.Equal(t, []string{"app:1.0"}, entriesOf(t, directory))
	manifest, err := os.ReadFile(filepath.Join(directory, "app:1.0", "manifest.json"))
	require.NoError(t, err)
	require.Equal(t, registrytest.RandomImage(1).Manifest, manifest)
	source.Intercept(nil)
	requireAll(t, report.Done, l.sync(allOf(source, "app", "new")))
}

func TestADirectoryThatIsNoImageIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"of documents": "notes.txt", "with a version file of its own": "version"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, directory := registrytest.Start(t), t.TempDir()
			source.Push(t, "app", "1.0", registrytest.RandomImage(1))
			precious := filepath.Join(directory, "app:1.0", file)
			require.NoError(t, os.Mkdir(filepath.Dir(precious), 0o755))
			require.NoError(t, os.WriteFile(precious, []byte("1.2.3\n"), 0o600))

			results := newLab(t, "dir:"+directory).sync(oneOf(source, "app", "1.0"))

			requireFailure(t, results[0], fault.Conflict, fault.Destination, "app:1.0", "not an image directory")
			content, err := os.ReadFile(precious)
			require.NoError(t, err)
			require.Equal(t, "1.2.3\n", string(content))
			require.Equal(t, []string{"app:1.0"}, entriesOf(t, directory))
		})
	}
}

func TestADirectoryThatCannotBeMadeIsAFailureAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	source.Push(t, "web", "1.0", registrytest.RandomImage(2))
	// A file where a directory is needed stops root as well.
	require.NoError(t, os.WriteFile(filepath.Join(directory, "team"), nil, 0o600))

	results := newLab(t, "dir:"+directory).sync(allOf(source, "team/app", "web"))

	requireFailure(t, results[0], fault.Conflict, fault.Destination, filepath.Join(directory, "team"), "not a directory")
	require.Equal(t, report.Done, results[1].Status)
}

func TestDirectoriesGoBackIntoARegistry(t *testing.T) {
	t.Parallel()
	source, back, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
	index := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	source.Push(t, "team/app", "1.0", index)
	source.Push(t, "web", "2.0", registrytest.RandomImage(9, registrytest.WithDocker()))
	requireAll(t, report.Done, newLab(t, "dir:"+directory).sync(allOf(source, "team/app", "web")))
	l := newLab(t, "docker://"+back.Host()+"/copy")

	requireAll(t, report.Done, l.syncImages("dir:"+directory))

	require.Equal(t, source.Image(t, "team/app", "1.0"), back.Image(t, "copy/team/app", "1.0"))
	require.Equal(t, source.Image(t, "web", "2.0"), back.Image(t, "copy/web", "2.0"))
	requireAll(t, report.Unchanged, l.syncImages("dir:"+directory))
}

// cutOff breaks the connection in the middle of answers to requests of a kind.
func cutOff(kind registrytest.Kind) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !matching(kind, req) {
			return false
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	}
}

// entriesOf are the names in a directory, hidden ones too.
func entriesOf(t *testing.T, directory string) []string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
