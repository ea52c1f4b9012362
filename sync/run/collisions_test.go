package run_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestTwoSourcesForOneReferenceAreBothRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   func(*registrytest.Registry) string
		remedy string
	}{
		"by the last path element": {func(r *registrytest.Registry) string { return allOf(r, "a/app", "b/app") }, "--dest-path path or full (--scoped)"},
		"by destination": {func(r *registrytest.Registry) string {
			return allOf(r, "a/app", "b/lib") + "  csync: {repositories: {b/lib: {destination: app}}}\n"
		}, "--dest-path"},
		"by a further tag": {func(r *registrytest.Registry) string {
			return allOf(r, "a/app") + "  csync: {repositories: {a/app: {tags: {'2.0': ['1.0']}}}}\n"
		}, "; choose another further tag under tags:"},
		"by a further tag beside another repository's": {func(r *registrytest.Registry) string {
			return allOf(r, "b/app", "a/app") + "  csync: {repositories: {a/app: {exclude: ['1.0'], tags: {'2.0': ['1.0']}}}}\n"
		}, "--dest-path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			same := registrytest.RandomImage(1) // which does not make it right
			source.Push(t, "a/app", "1.0", same)
			source.Push(t, "a/app", "2.0", registrytest.RandomImage(2))
			source.Push(t, "b/app", "1.0", same)
			source.Push(t, "b/lib", "1.0", registrytest.RandomImage(4))
			l := newLab(t, "docker://"+destination.Host())
			l.request.Naming.Path = plan.PathName

			results := l.sync(c.file(source))

			refused := 0
			for _, result := range results {
				if filepath.Base(result.Destination) != "app:1.0" {
					require.Equal(t, report.Done, result.Status, "the rest goes on: %+v", result.Error)
					continue
				}
				refused++
				requireFailure(t, result, fault.Conflict, fault.Destination, "would be written here as well", source.Host(), c.remedy)
			}
			require.Equal(t, 2, refused)
			require.NotContains(t, destination.Tags(t, "app"), "1.0")
		})
	}
}

func TestWhatIsAskedForTwiceIsDoneOnce(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "app", "1.0")

	results := newLab(t, "docker://"+destination.Host(), "docker://"+destination.Host()).sync(
		fmt.Sprintf("%s:\n  images: {app: ['1.0', '1.0']}\n  images-by-tag-regex: {app: .}\n", source.Host()))

	require.Len(t, results, 1)
	requireAll(t, report.Done, results)
	require.Equal(t, 1, destination.Count(registrytest.ManifestPut))
}

func TestResultsAreSortedByDestination(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	for _, repository := range []string{"z", "a", "m"} {
		pushTags(t, source, repository, "2", "10", "1")
	}

	results := newLab(t, "dir:"+directory+"/two", "dir:"+directory+"/one").sync(allOf(source, "z", "a", "m"))

	require.Len(t, results, 18)
	require.IsIncreasing(t, destinationsOf(results))
}

func TestEverythingThatWasAskedForHasAResult(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Distribution(t), registrytest.Start(t)
	pushTags(t, source, "app", "1.0")

	results := newLab(t, "docker://"+destination.Host()).sync(source.Host() + `:
  images: {app: ['1.0', nope], absent: []}
  images-by-tag-regex: {app: '^9', gone: .}
`)

	require.Equal(t, []string{
		"docker://" + destination.Host() + "/absent",
		"docker://" + destination.Host() + "/app:1.0",
		"docker://" + destination.Host() + "/app:nope",
		"docker://" + destination.Host() + "/gone",
	}, destinationsOf(results))
	for i, status := range []report.Status{report.Failed, report.Done, report.Failed, report.Failed} {
		require.Equal(t, status, results[i].Status)
	}
}

func TestAPlanWritesNothingAnywhere(t *testing.T) {
	t.Parallel()
	source, destination, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
	pushSigned(t, source, "team/app", "1.0")
	pushTags(t, source, "web", "1.0", "2.0")
	destination.Push(t, "web", "1.0", registrytest.RandomImage(77))
	l := newLab(t, "docker://"+destination.Host(), "dir:"+directory+"/d", "oci:"+directory+"/o",
		"oci-archive:"+directory+"/o.tar", "docker-archive:"+directory+"/d.tar")

	p := l.plan(allOf(source, "team/app", "web") + "  csync: {repositories: {'**': {referrers: true, tags: {'1.0': [stable]}}}}\n")
	p.DryRun()

	for _, step := range p.Steps {
		if step.Result.Reason == "" { // a directory keeps no referrers
			require.Equal(t, report.Planned, step.Result.Status, "%+v", step.Result)
		}
	}
	for _, place := range l.places {
		require.NoError(t, place.Discard())
	}
	require.Empty(t, entriesOf(t, directory))
	requireOnlyReads(t, source)
	requireOnlyReads(t, destination)
	require.Zero(t, source.Count(registrytest.BlobGet))
}

func TestAPlanSaysWhatTheRunThenDoes(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "web", "1.0", "2.0")
	old := destination.Push(t, "web", "1.0", registrytest.RandomImage(77))
	l := newLab(t, "docker://"+destination.Host())

	p := l.plan(allOf(source, "web"))
	p.DryRun()
	results := l.sync(allOf(source, "web"))

	require.Equal(t, old, p.Results()[0].PreviousDigest)
	for i, planned := range p.Results() {
		require.Equal(t, results[i].Digest, planned.Digest)
		require.Equal(t, results[i].PreviousDigest, planned.PreviousDigest)
		require.Equal(t, results[i].Action, planned.Action)
	}
}

func destinationsOf(results []report.Result) []string {
	var destinations []string
	for _, result := range results {
		destinations = append(destinations, result.Destination)
	}
	return destinations
}
