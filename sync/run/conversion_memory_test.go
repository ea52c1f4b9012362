package run_test

import (
	"path/filepath"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// converting is a run that converts to OCI, and remembers in a file.
func remembering(t *testing.T, path string, destinations ...string) func(file string) []report.Result {
	return func(file string) []report.Result {
		cache, err := plan.OpenCache(path)
		require.NoError(t, err)
		l := newLab(t, destinations...)
		l.options.Copier.Format = v1.MediaTypeImageManifest
		l.request.Format, l.request.Cache = v1.MediaTypeImageManifest, cache
		p := l.plan(file)
		l.run(t.Context(), p)
		cache.Learn(p)
		require.NoError(t, cache.Save())
		return p.Results()
	}
}

func TestAConvertedImageIsUnchangedInTheNextRunForTwoHeads(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithDocker()))
	sync := remembering(t, filepath.Join(t.TempDir(), "filtered.json"), "docker://"+destination.Host())
	first := sync(allOf(source, "app"))
	requireAll(t, report.Done, first)
	require.NotEqual(t, first[0].SourceDigest, first[0].Digest)
	source.Reset()
	destination.Reset()

	second := sync(oneOf(source, "app", "1.0"))

	requireAll(t, report.Unchanged, second)
	require.Equal(t, first[0].Digest, second[0].Digest)
	require.Equal(t, first[0].SourceDigest, second[0].SourceDigest)
	require.Equal(t, first[0].MediaType, second[0].MediaType)
	require.Equal(t, first[0].Reason, second[0].Reason)
	require.Equal(t, 1, source.Count(registrytest.ManifestHead), source.Counts())
	require.Len(t, source.Log(), 1, source.Counts())
	require.Equal(t, 1, destination.Count(registrytest.ManifestHead), destination.Counts())
	require.Len(t, destination.Log(), 1, destination.Counts())
}

func TestAnImageIsConvertedAgainWhereEitherSideHasMoved(t *testing.T) {
	t.Parallel()
	source, destination, other := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithDocker()))
	path := filepath.Join(t.TempDir(), "filtered.json")
	sync := remembering(t, path, "docker://"+destination.Host())
	first := sync(allOf(source, "app"))
	requireAll(t, report.Done, first)

	destination.Push(t, "app", "1.0", registrytest.RandomImage(3))
	back := sync(allOf(source, "app"))
	requireAll(t, report.Done, back)
	require.Equal(t, first[0].Digest, back[0].Digest)

	source.Push(t, "app", "1.0", registrytest.RandomImage(2, registrytest.WithDocker()))
	moved := sync(allOf(source, "app"))
	requireAll(t, report.Done, moved)
	require.NotEqual(t, first[0].Digest, moved[0].Digest)

	requireAll(t, report.Done, remembering(t, path, "docker://"+other.Host())(allOf(source, "app")))
	requireAll(t, report.Unchanged, sync(allOf(source, "app")))
}

func TestAConvertedPartOfAnIndexIsUnchangedInTheNextRun(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.ManifestList(
		registrytest.RandomImage(1, registrytest.WithDocker(), registrytest.WithPlatform("linux/amd64")),
		registrytest.RandomImage(2, registrytest.WithDocker(), registrytest.WithPlatform("linux/arm64")))
	source.Push(t, "app", "1.0", index)
	sync := remembering(t, filepath.Join(t.TempDir(), "filtered.json"), "docker://"+destination.Host())
	file := oneOf(source, "app", "1.0", "csync: {platforms: [linux/arm64]}")
	first := sync(file)
	requireAll(t, report.Done, first)
	source.Reset()

	second := sync(file)

	requireAll(t, report.Unchanged, second)
	require.Equal(t, first[0].Digest, second[0].Digest)
	require.Equal(t, first[0].Platforms, second[0].Platforms)
	require.Len(t, source.Log(), 1, source.Counts())
	whole := sync(oneOf(source, "app", "1.0"))
	requireAll(t, report.Done, whole)
}
