package run_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestABlobForSeveralDestinationsIsReadOnce(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	destinations := []*registrytest.Registry{registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)}
	shared := registrytest.RandomLayer(1, 300_000)
	var repositories, places []string
	for i := range 5 {
		repository := fmt.Sprintf("team/app%d", i)
		repositories = append(repositories, repository)
		source.Push(t, repository, "1.0", registrytest.RandomImage(i, registrytest.WithLayers(shared, registrytest.RandomLayer(100+i, 5000))))
	}
	for _, destination := range destinations {
		places = append(places, "docker://"+destination.Host())
	}
	source.Reset()

	results := newLab(t, places...).sync(allOf(source, repositories...))

	require.Len(t, results, 15)
	var read, written int64
	for _, result := range results {
		require.Equal(t, report.Done, result.Status, result.Error)
		read += result.BytesRead
		written += result.BytesWritten
	}
	require.Equal(t, 11, source.Count(registrytest.BlobGet), source.Counts())
	require.Equal(t, 5, source.Count(registrytest.ManifestHead), source.Counts())
	require.Equal(t, 5, source.Count(registrytest.ManifestGet), source.Counts())
	for _, destination := range destinations {
		require.Equal(t, source.BlobBytesRead(), destination.BlobBytesWritten())
		require.Equal(t, 4, destination.Count(registrytest.Mount), destination.Counts())
		for _, repository := range repositories {
			require.Equal(t, source.Image(t, repository, "1.0"), destination.Image(t, repository, "1.0"))
		}
	}
	require.Equal(t, 3*source.BlobBytesRead(), written-manifests(t, source, repositories, 3))
	require.Equal(t, source.BlobBytesRead(), read-manifests(t, source, repositories, 3))
}

// manifests is the number of bytes of the repositories' manifests, times times.
func manifests(t *testing.T, r *registrytest.Registry, repositories []string, times int64) int64 {
	var total int64
	for _, repository := range repositories {
		total += int64(len(r.Manifest(t, repository, "1.0")))
	}
	return times * total
}
