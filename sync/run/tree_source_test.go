package run_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestSeveralTagsOfOneIndexComeBackFromADirectory(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	tags := []string{"2", "2.0.0", "stable"}
	for _, tag := range tags {
		source.Push(t, "app", tag, index)
	}
	requireAll(t, report.Done, newLab(t, "dir:"+directory).sync(allOf(source, "app")))
	destination := registrytest.Start(t)
	requireAll(t, report.Done, newLab(t, "docker://"+destination.Host()).syncImages("dir:"+directory))
	for _, tag := range tags {
		require.Equal(t, index.Digest(), destination.Digest(t, "app", tag))
	}
	// Each instance is written once: docker-registry reads what another request
	// is just writing.
	require.Equal(t, len(tags)+len(index.Children), destination.Count(registrytest.ManifestPut), destination.Counts())
}
