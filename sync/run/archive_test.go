package run_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestACompleteDockerArchiveOutlivesARunThatIsNot(t *testing.T) {
	t.Parallel()
	source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf.tar")
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	source.Push(t, "web", "2.0", registrytest.RandomImage(2))
	requireAll(t, report.Done, newLab(t, "docker-archive:"+path).sync(allOf(source, "app", "web")))
	complete, err := os.ReadFile(path)
	require.NoError(t, err)

	for name, file := range map[string]string{
		"an image that is not there":         oneOf(source, "app", "1.0") + "    web: ['3.0']\n",
		"a repository that cannot be listed": oneOf(source, "app", "1.0") + "    web: []\n",
	} {
		source.Intercept(answering(registrytest.TagList, http.StatusForbidden, "DENIED"))
		results := newLab(t, "docker-archive:"+path).sync(file)

		require.Len(t, results, 2)
		lost := slices.IndexFunc(results, func(result report.Result) bool { return strings.HasSuffix(result.Destination, "app:1.0") })
		require.Equal(t, report.Failed, results[1-lost].Status, name)
		require.False(t, results[lost].Verified)
		requireFailure(t, results[lost], fault.Cancelled, fault.Destination, "archive not replaced, because 1 of its images failed")
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, complete, now)
		require.Equal(t, []string{"shelf.tar"}, entriesOf(t, filepath.Dir(path)))
	}
}

func TestAnArchiveKeepsItsMode(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"oci-archive:", "docker-archive:"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf.tar")
			pushTags(t, source, "app", "1.0")
			requireAll(t, report.Done, newLab(t, transport+path).sync(allOf(source, "app")))
			requireMode(t, path, 0o644)
			require.NoError(t, os.Chmod(path, 0o640))
			pushTags(t, source, "app", "2.0")

			newLab(t, transport+path).sync(allOf(source, "app"))

			requireMode(t, path, 0o640)
		})
	}
}

func requireMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	stat, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, mode, stat.Mode().Perm())
}

func TestAnOCIArchiveIsUnpackedOnlyToBeWritten(t *testing.T) {
	t.Parallel()
	source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf.tar")
	pushTags(t, source, "app", "1.0")
	requireAll(t, report.Done, newLab(t, "oci-archive:"+path).sync(allOf(source, "app")))
	l := newLab(t)
	l.system.BigFilesTemporaryDir = filepath.Join(t.TempDir(), "none")
	l.places = append(l.places, l.place("oci-archive:"+path))

	requireAll(t, report.Unchanged, l.sync(allOf(source, "app")))

	pushTags(t, source, "app", "2.0")
	results := l.sync(allOf(source, "app"))
	require.Equal(t, report.Unchanged, results[0].Status)
	require.Equal(t, report.Failed, results[1].Status)
	require.Contains(t, results[1].Error.Message, l.system.BigFilesTemporaryDir)
}

func TestALayoutsIndexGivesADockerArchiveThisSystemsImage(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/s390x", "linux/"+runtime.GOARCH))
	requireAll(t, report.Done, newLab(t, "oci:"+directory+"/shelf").sync(allOf(source, "app")))

	requireAll(t, report.Done, newLab(t, "docker-archive:"+directory+"/shelf.tar").syncImages("oci:"+directory+"/shelf"))
}
