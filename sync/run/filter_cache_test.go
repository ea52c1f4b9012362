package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestAFilteredIndexThatHasNotChangedIsNotReadAgain(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	file := fmt.Sprintf("%s:\n  images: {app: ['1.0']}\n  csync: {platforms: [linux/arm64]}\n", source.Host())
	path := filepath.Join(t.TempDir(), "csync", "filtered.json")
	sync := func() report.Result {
		cache, err := plan.OpenCache(path)
		require.NoError(t, err)
		l := newLab(t, "docker://"+destination.Host())
		l.request.Cache = cache
		results := l.sync(file)
		require.NoError(t, cache.Save())
		require.Len(t, results, 1)
		return results[0]
	}
	first := sync()
	require.Equal(t, report.Done, first.Status, first.Error)
	source.Reset()

	second := sync()

	require.Equal(t, report.Unchanged, second.Status, second.Error)
	require.Equal(t, first.Digest, second.Digest)
	require.Equal(t, first.Platforms, second.Platforms)
	require.Equal(t, 1, source.Count(registrytest.ManifestHead), source.Counts())
	require.Len(t, source.Log(), 1, source.Counts())

	source.Push(t, "app", "1.0", registrytest.MultiPlatform(2, "linux/amd64", "linux/arm64"))
	moved := sync()
	require.Equal(t, report.Done, moved.Status, moved.Error)
	require.NotEqual(t, first.Digest, moved.Digest)

	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	require.Equal(t, report.Unchanged, sync().Status, "a cache that cannot be read is begun anew")
}
