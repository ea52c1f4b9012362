package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestImagesChoosesTagsAndDigestsAndAll(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	source.Push(t, "team/app", "2.0", registrytest.RandomImage(2))
	sum := source.Push(t, "team/app", "old", registrytest.RandomImage(3))
	source.Push(t, "team/all", "a", registrytest.RandomImage(4))
	source.Push(t, "team/all", "b", registrytest.RandomImage(5))

	results := newLab(t, "docker://"+destination.Host()).sync(fmt.Sprintf(
		"%s:\n  images:\n    team/app: ['1.0', '%s']\n    team/all: []\n", source.Host(), sum))

	requireAll(t, report.Done, results)
	require.Len(t, results, 4)
	require.Equal(t, []string{"1.0"}, destination.Tags(t, "team/app"))
	require.True(t, destination.HasTag(t, "team/app", sum.String()))
	require.Equal(t, []string{"a", "b"}, destination.Tags(t, "team/all"))
}

func TestAPinnedTagIsCopiedWhileItNamesItsDigest(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "team/app", "1.0@"+sum.String()))

	requireAll(t, report.Done, results)
	require.Equal(t, sum, destination.Digest(t, "team/app", "1.0"))
}

func TestAPinnedTagThatMovedFailsAndWritesNothing(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pin := registrytest.RandomImage(1).Digest()
	now := source.Push(t, "team/app", "1.0", registrytest.RandomImage(2))

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "team/app", "1.0@"+pin.String()))

	require.Len(t, results, 1)
	requireFailure(t, results[0], fault.Conflict, fault.Source, "moved", pin.String(), now.String())
	requireOnlyReads(t, destination)
}

func TestARegexChoosesTagsUnanchored(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.27.1", "1.28.0", "1.28.1-rc1", "nightly")

	results := newLab(t, "docker://"+destination.Host()).sync(
		source.Host() + ":\n  images-by-tag-regex:\n    team/app: '^1\\.2[78]\\.\\d'\n")

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"1.27.1", "1.28.0", "1.28.1-rc1"}, destination.Tags(t, "team/app"))
}

func TestAVersionConstraintChoosesReleases(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "3.9", "3.20", "v3.21.2", "3.22-rc1", "edge")

	results := newLab(t, "docker://"+destination.Host()).sync(
		source.Host() + ":\n  images-by-semver:\n    team/app: '>= 3.20'\n")

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"3.20", "v3.21.2"}, destination.Tags(t, "team/app"))
}

func TestARepositoryUnderSeveralKeysIsOneUnion(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0", "2.0", "edge", "other")

	results := newLab(t, "docker://"+destination.Host()).sync(source.Host() +
		":\n  images: {team/app: [edge, '2.0']}\n  images-by-tag-regex: {team/app: '^2'}\n  images-by-semver: {team/app: '< 3'}\n")

	requireAll(t, report.Done, results)
	require.Len(t, results, 3)
	require.Equal(t, []string{"1.0", "2.0", "edge"}, destination.Tags(t, "team/app"))
}

func TestAPatternThatNoTagMatchesIsSkipped(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0")

	results := newLab(t, "docker://"+destination.Host()).sync(
		source.Host() + ":\n  images-by-tag-regex:\n    team/app: '^9'\n")

	require.Len(t, results, 1)
	require.Equal(t, report.Skipped, results[0].Status)
	require.Contains(t, results[0].Reason, "none of the repository's tags")
}

func TestExcludeLeavesOutListedTagsOnly(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0", "1.1-rc1", "1.2-rc2", "nightly-7")

	results := newLab(t, "docker://"+destination.Host()).sync(source.Host() + `:
  images: {team/app: [1.2-rc2]}
  images-by-tag-regex: {team/app: .}
  csync: {repositories: {team/app: {exclude: ['-rc\d*$', ^nightly]}}}
`)

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"1.0", "1.2-rc2"}, destination.Tags(t, "team/app"))
}

func TestAFurtherTagOfWhatIsNotChosenIsSkippedAndSaysSo(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"that latest leaves out":         "  images: {team/app: []}\n  csync: {repositories: {team/app: {latest: 1, tags: {'1.0': [stable]}}}}\n",
		"that is not there":              "  images: {team/app: []}\n  csync: {repositories: {team/app: {tags: {'0.9': [stable]}}}}\n",
		"where nothing is chosen":        "  images-by-tag-regex: {team/app: ^0.9}\n  csync: {repositories: {team/app: {tags: {'0.9': [stable]}}}}\n",
		"that another one of a glob has": "  images: {team/app: ['1.1'], team/lib: ['1.0']}\n  csync: {repositories: {'team/*': {tags: {'1.0': [stable]}}}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			pushTags(t, source, "team/app", "1.0", "1.1")
			pushTags(t, source, "team/lib", "1.0")
			l := newLab(t, "docker://"+destination.Host(), "dir:"+t.TempDir())

			results := l.sync(source.Host() + ":\n" + file)

			skipped := 0
			for _, result := range results {
				if strings.HasSuffix(result.Destination, "team/app:stable") {
					skipped++
					require.Equal(t, report.Skipped, result.Status)
					require.Equal(t, "the tag of which this is a further one is not among those chosen", result.Reason)
				}
			}
			require.Equal(t, len(l.places), skipped, "at each destination")
			require.False(t, destination.HasTag(t, "team/app", "stable"))
		})
	}
}

func TestLatestKeepsTheHighestVersions(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"1.10.0", "1.9.0"}, latestTwo(t, plan.ByName, "1.2.0", "1.10.0", "1.9.0"))
}

func TestLatestByNameComparesNumbersAsNumbers(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"build10", "build9"}, latestTwo(t, plan.ByName, "build10", "build2", "build9"))
}

func TestLatestByCreatedAsksTheConfigs(t *testing.T) {
	t.Parallel()
	// The first is pushed with the latest time.
	require.Equal(t, []string{"x", "y"}, latestTwo(t, plan.ByCreated, "y", "x", "z"))
}

// latestTwo pushes images of falling age and returns what "latest: 2" takes.
func latestTwo(t *testing.T, order plan.TagOrder, tags ...string) []string {
	t.Helper()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for i, tag := range tags {
		created := time.Date(2025, 1, 30-i, 0, 0, 0, 0, time.UTC)
		source.Push(t, "team/app", tag, registrytest.RandomImage(i, registrytest.WithConfig(func(c *v1.Image) { c.Created = &created })))
	}
	l := newLab(t, "docker://"+destination.Host())
	l.request.LatestBy = order
	results := l.sync(source.Host() + ":\n  images: {team/app: []}\n  csync: {repositories: {'team/*': {latest: 2}}}\n")
	requireAll(t, report.Done, results)
	return destination.Tags(t, "team/app")
}

// pushTags pushes an image of its own for each tag.
func pushTags(t *testing.T, source *registrytest.Registry, repository string, tags ...string) {
	t.Helper()
	for i, tag := range tags {
		source.Push(t, repository, tag, registrytest.RandomImage(100+i))
	}
}

// requireOnlyReads wants nothing but HEAD and GET to have been asked.
func requireOnlyReads(t *testing.T, registry *registrytest.Registry) {
	t.Helper()
	for _, request := range registry.Log() {
		require.Contains(t, []string{"GET", "HEAD"}, request.Method, request.Path)
	}
}
