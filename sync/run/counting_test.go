package run_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

func TestAnUnchangedTagCostsOneHeadAtEachSide(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	file := fmt.Sprintf("%s:\n  images:\n    team/app: ['1.0']\n", source.Host())
	l := newLab(t, "docker://"+destination.Host())
	l.sync(file)
	source.Reset()
	destination.Reset()

	results := l.sync(file)

	require.Equal(t, report.Unchanged, results[0].Status)
	require.Equal(t, 1, source.Count(registrytest.ManifestHead), source.Counts())
	require.Len(t, source.Log(), 1, source.Counts())
	require.Equal(t, 1, destination.Count(registrytest.ManifestHead), destination.Counts())
	require.Len(t, destination.Log(), 1, destination.Counts())
}

func TestANewImageCostsWhatItsBlobsNeed(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1, registrytest.WithLayers(registrytest.RandomLayer(1, 1000), registrytest.RandomLayer(2, 2000))))
	file := fmt.Sprintf("%s:\n  images:\n    team/app: ['1.0']\n", source.Host())

	results := newLab(t, "docker://"+destination.Host()).sync(file)

	require.Equal(t, report.Done, results[0].Status, results[0].Error)
	require.Equal(t, 1, source.Count(registrytest.ManifestHead), source.Counts())
	require.Equal(t, 1, source.Count(registrytest.ManifestGet), source.Counts())
	require.Equal(t, 3, source.Count(registrytest.BlobGet), source.Counts())
	require.Len(t, source.Log(), 5, source.Counts())
	require.Equal(t, 1, destination.Count(registrytest.ManifestHead), destination.Counts())
	require.Equal(t, 1, destination.Count(registrytest.TagList), destination.Counts())
	require.Equal(t, 3, destination.Count(registrytest.UploadStart), destination.Counts())
	require.Equal(t, 3, destination.Count(registrytest.UploadFinish), destination.Counts())
	require.Equal(t, 1, destination.Count(registrytest.ManifestPut), destination.Counts())
	require.Len(t, destination.Log(), 9, destination.Counts())
}

func TestASharedLayerIsUploadedOnceAndMountedElsewhere(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	shared := registrytest.RandomLayer(1, 50_000)
	var repositories []string
	for i := range 10 {
		repository := fmt.Sprintf("team/app%d", i)
		repositories = append(repositories, repository)
		source.Push(t, repository, "1.0", registrytest.RandomImage(i, registrytest.WithLayers(shared, registrytest.RandomLayer(100+i, 100))))
	}
	source.Reset()

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, repositories...))

	require.Len(t, results, 10)
	for _, result := range results {
		require.Equal(t, report.Done, result.Status, result.Error)
	}
	require.Equal(t, 9, destination.Count(registrytest.Mount), destination.Counts())
	require.Equal(t, 21, destination.Count(registrytest.UploadFinish), destination.Counts())
	require.Equal(t, 21, source.Count(registrytest.BlobGet), source.Counts())
	require.Equal(t, source.BlobBytesRead(), destination.BlobBytesWritten())
	require.Less(t, destination.BlobBytesWritten(), int64(2*50_000))
}

func TestARetagMovesNoBlob(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+destination.Host())
	l.sync(allOf(source, "team/app"))
	source.Retag(t, "team/app", "1.0", "current")
	source.Reset()
	destination.Reset()

	results := l.sync(fmt.Sprintf("%s:\n  images:\n    team/app: [current]\n", source.Host()))

	require.Equal(t, report.Done, results[0].Status, results[0].Error)
	require.Zero(t, source.Count(registrytest.BlobGet), source.Counts())
	require.Zero(t, destination.Count(registrytest.UploadStart), destination.Counts())
	require.Equal(t, 1, destination.Count(registrytest.ManifestPut), destination.Counts())
	require.True(t, destination.HasTag(t, "team/app", "current"))
}

func TestHundredsOfUnchangedTagsNeedFewConnectionsAndTwoRequestsEach(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for _, r := range []*registrytest.Registry{source, destination} {
		r.Push(t, "team/app", "t0", registrytest.RandomImage(1))
		for i := 1; i < 300; i++ {
			r.Retag(t, "team/app", "t0", fmt.Sprintf("t%d", i))
		}
		r.Reset()
	}
	l := newLab(t)
	l.jobs = 30 // as the command by default
	l.connect(transport.Options{MaxRequests: 30})
	l.places = []image.Place{l.place("docker://" + destination.Host())}

	results := l.sync(allOf(source, "team/app"))

	require.Len(t, results, 300)
	for _, result := range results {
		require.Equal(t, report.Unchanged, result.Status)
	}
	require.LessOrEqual(t, len(source.Log())+len(destination.Log()), 610)
	require.LessOrEqual(t, source.Connections()+destination.Connections(), 64)
	require.Zero(t, source.Count(registrytest.ManifestGet)+destination.Count(registrytest.ManifestGet))
}

func TestTokensAreFetchedOncePerRepositoryAndAction(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t, registrytest.Token("ci", "secret"))
	destination := registrytest.Start(t, registrytest.Token("ci", "secret"))
	shared := []registrytest.Blob{registrytest.RandomLayer(1, 5000), registrytest.RandomLayer(2, 5000)}
	var repositories []string
	for i := range 20 {
		repository := fmt.Sprintf("team/app%d", i)
		repositories = append(repositories, repository)
		source.Push(t, repository, "1.0", registrytest.RandomImage(i, registrytest.WithLayers(append(shared, registrytest.RandomLayer(100+i, 100))...)))
	}
	source.Reset()
	l := newLab(t)
	l.access.Username, l.access.Password = "ci", "secret"
	l.places = append(l.places, l.place("docker://"+destination.Host()))

	for _, result := range l.sync(allOf(source, repositories...)) {
		require.Equal(t, report.Done, result.Status, result.Error)
	}

	require.Equal(t, 20, source.Count(registrytest.TokenRequest), source.Counts())
	require.Equal(t, 1, source.Count(registrytest.Unauthorized), source.Counts())
	// To write, and to mount.
	require.LessOrEqual(t, destination.Count(registrytest.TokenRequest), 2*20, destination.Counts())
	require.Equal(t, 1, destination.Count(registrytest.Unauthorized), destination.Counts())
	require.Equal(t, 38, destination.Count(registrytest.Mount), destination.Counts())
}

func TestPromotingWithinARegistryCostsAReadAWriteAndTheMounts(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t)
	base := registrytest.RandomLayer(1, 5000)
	for i := range 100 {
		registry.Push(t, "ci/app", fmt.Sprintf("t%d", i), registrytest.RandomImage(i, registrytest.WithLayers(base, registrytest.RandomLayer(100+i, 100))))
	}
	registry.Reset()
	file := fmt.Sprintf("%s:\n  images: {ci/app: []}\n  csync: {repositories: {ci/app: {destination: prod/app}}}\n", registry.Host())

	for _, result := range newLab(t, "docker://"+registry.Host()).sync(file) {
		require.Equal(t, report.Done, result.Status, result.Error)
		require.NotEmpty(t, result.SourceDigest)
	}

	require.Zero(t, registry.BlobBytesRead()+registry.BlobBytesWritten(), registry.Counts())
	require.Equal(t, 201, registry.Count(registrytest.Mount), registry.Counts())
	require.Len(t, registry.Log(), 100+100+201+2, registry.Counts())
}

func TestLabelsOfImagesThatStayWhereTheyAreCostTwoRequestsEach(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t)
	file := registry.Host() + ":\n  images-by-tag-regex: {team/app: ^t}\n  csync: {repositories: {team/app: {tags: {"
	for i := range 30 {
		registry.Push(t, "team/app", fmt.Sprintf("t%d", i), registrytest.RandomImage(i))
		file += fmt.Sprintf("t%d: [label-%d], ", i, i)
	}
	file += "}}}}\n"
	registry.Reset()
	l := newLab(t, "docker://"+registry.Host())

	status := map[report.Status]int{}
	for _, result := range l.sync(file) {
		status[result.Status]++
		require.True(t, result.Verified)
		require.Equal(t, result.SourceDigest, result.Digest)
	}

	require.Equal(t, map[report.Status]int{report.Done: 30, report.Unchanged: 30}, status)
	require.Equal(t, 30, registry.Count(registrytest.ManifestGet), registry.Counts())
	require.Equal(t, 30, registry.Count(registrytest.ManifestPut), registry.Counts())
	require.Len(t, registry.Log(), 62, registry.Counts()) // with a list for each side
	registry.Reset()

	for _, result := range l.sync(file) {
		require.Equal(t, report.Unchanged, result.Status)
	}
	require.Zero(t, registry.Count(registrytest.ManifestGet)+registry.Count(registrytest.ManifestPut), registry.Counts())
}

func TestALabelOfOneImageCostsTwoRequestsAfterItWasMissed(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t)
	registry.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	registry.Reset()

	results := newLab(t, "docker://"+registry.Host()).sync(oneOf(registry, "team/app", "1.0",
		"csync: {repositories: {team/app: {tags: {'1.0': [stable]}}}}"))

	require.Equal(t, report.Unchanged, results[0].Status, results[0].Error)
	require.Equal(t, report.Done, results[1].Status, results[1].Error)
	require.Equal(t, 2, registry.Count(registrytest.ManifestHead), registry.Counts())
	require.Equal(t, 1, registry.Count(registrytest.ManifestGet), registry.Counts())
	require.Equal(t, 1, registry.Count(registrytest.ManifestPut), registry.Counts())
}

func TestALabelIsThatOfTheImageThatWasPlanned(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t)
	planned := registry.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+registry.Host())
	p := l.plan(oneOf(registry, "team/app", "1.0", "csync: {repositories: {team/app: {tags: {'1.0': [stable]}}}}"))
	registry.Push(t, "team/app", "1.0", registrytest.RandomImage(2))

	l.run(t.Context(), p)

	require.Equal(t, report.Done, p.Steps[1].Result.Status, p.Steps[1].Err)
	require.Equal(t, planned, p.Steps[1].Result.Digest)
	require.Equal(t, planned, registry.Digest(t, "team/app", "stable"))
}

func TestALabelOfAnImageThatIsGoneIsNotSet(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t)
	registry.Push(t, "team/app", "2.0", registrytest.RandomImage(1))

	results := newLab(t, "docker://"+registry.Host()).sync(oneOf(registry, "team/app", "1.0",
		"csync: {repositories: {team/app: {tags: {'1.0': [stable]}}}}"))

	requireAll(t, report.Failed, results)
	require.Equal(t, "source", string(results[0].Error.Side))
	require.False(t, registry.HasTag(t, "team/app", "stable"))
}

func TestANewTagForAnImageOfTheSameRepositoryCostsTwoRequests(t *testing.T) {
	t.Parallel()
	registry := registrytest.Start(t)
	file := registry.Host() + ":\n  images:\n    app: ["
	for i := range 100 {
		registry.Push(t, "app", fmt.Sprintf("t%d", i), registrytest.RandomImage(i))
		file += fmt.Sprintf("t%d, ", i)
	}
	registry.Reset()
	l := newLab(t, "docker://"+registry.Host())
	l.request.Naming.Suffix = "-promoted"

	for _, result := range l.sync(file + "]\n") {
		require.Equal(t, report.Done, result.Status, result.Error)
		require.Equal(t, report.Retag, result.Action)
		require.Equal(t, result.SourceDigest, result.Digest)
	}

	require.Equal(t, 100, registry.Count(registrytest.ManifestGet), registry.Counts())
	require.Equal(t, 100, registry.Count(registrytest.ManifestPut), registry.Counts())
	require.Len(t, registry.Log(), 201, registry.Counts())
}
