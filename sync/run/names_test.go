package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

func TestDestinationNamesTheRepositoryBelowDest(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0")

	results := newLab(t, "docker://"+destination.Host()+"/top").sync(oneOf(source, "team/app", "1.0",
		"csync: {repositories: {team/app: {destination: mirror/web/app}}}"))

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"1.0"}, destination.Tags(t, "top/mirror/web/app"))
}

func TestFurtherTagsAreRetagsThatMoveNoBlob(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "team/app", "1.28.0", registrytest.RandomImage(1))

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "team/app", "1.28.0",
		"csync: {repositories: {team/app: {tags: {1.28.0: [stable, '1.28']}}}}"))

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"1.28", "1.28.0", "stable"}, destination.Tags(t, "team/app"))
	require.Equal(t, sum, destination.Digest(t, "team/app", "stable"))
	require.Equal(t, 3, destination.Count(registrytest.UploadFinish), "one image's blobs")
	require.Equal(t, 3, source.Count(registrytest.BlobGet))
	actions := map[string]report.Action{}
	for _, result := range results {
		actions[filepath.Base(result.Destination)] = result.Action
	}
	require.Equal(t, map[string]report.Action{"app:1.28": report.Retag, "app:1.28.0": report.Copy, "app:stable": report.Retag}, actions)
}

func TestAFailedCopyLeavesItsFurtherTagsWhereTheyAre(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	old := destination.Push(t, "team/app", "stable", registrytest.RandomImage(7))
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	destination.Intercept(answering(registrytest.UploadFinish, 403, "DENIED"))

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "team/app", "1.0",
		"csync: {repositories: {team/app: {tags: {'1.0': [stable]}}}}"))

	require.Len(t, results, 2)
	requireFailure(t, results[0], fault.Denied, fault.Destination)
	requireFailure(t, results[1], fault.Denied, fault.Destination, "not tagged, because", "team/app:1.0")
	require.Equal(t, old, destination.Digest(t, "team/app", "stable"))
}

func TestTheMostSpecificGlobWinsForEachKey(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0", "2.0", "3.0")
	pushTags(t, source, "team/lib", "1.0", "2.0", "3.0")

	results := newLab(t, "docker://"+destination.Host()).sync(source.Host() + `:
  images: {team/app: [], team/lib: []}
  csync:
    repositories:
      '**': {latest: 1, exclude: ['^3']}
      'team/*': {latest: 2}
      team/app: {exclude: ['^2']}
`)

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"1.0", "3.0"}, destination.Tags(t, "team/app"))
	require.Equal(t, []string{"1.0", "2.0"}, destination.Tags(t, "team/lib"))
}

func TestDestPathKeepsTheNameThePathOrAll(t *testing.T) {
	t.Parallel()
	for mode, repository := range map[plan.PathMode]string{
		plan.PathName: "app", plan.PathPath: "team/web/app", plan.PathFull: "localhost/team/web/app",
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			source := registrytest.Start(t)
			pushTags(t, source, "team/web/app", "1.0")
			directory := t.TempDir()
			l := newLab(t, "dir:"+directory)
			l.request.Naming.Path = mode

			requireAll(t, report.Done, l.sync(oneOf(source, "team/web/app", "1.0")))

			if mode == plan.PathFull {
				repository = source.Host() + "/team/web/app"
			}
			require.FileExists(t, filepath.Join(directory, repository+":1.0", "manifest.json"))
		})
	}
}

func TestAPortIsNotPutIntoARepositoryPath(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0")
	l := newLab(t, "docker://"+destination.Host())
	l.request.Naming.Path = plan.PathFull

	results := l.sync(oneOf(source, "team/app", "1.0"))

	requireFailure(t, results[0], fault.Input, fault.Destination, "port", "--dest-path path")
	require.Empty(t, destination.Log())
}

func TestASuffixIsAppendedToEveryTag(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "team/app", "1.0")
	l := newLab(t, "docker://"+destination.Host())
	l.request.Naming.Suffix = "-mirror"

	results := l.sync(oneOf(source, "team/app", "1.0", "csync: {repositories: {team/app: {tags: {'1.0': [stable]}}}}"))

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"1.0-mirror", "stable-mirror"}, destination.Tags(t, "team/app"))
}

func TestACIPManifestNamesItsOwnDestinations(t *testing.T) {
	t.Parallel()
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "staging/app", "", registrytest.RandomImage(1))
	untagged := source.Push(t, "staging/app", "", registrytest.RandomImage(2))
	path := filepath.Join(t.TempDir(), "promoter-manifest.yaml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `registries:
- {name: %s/staging, src: true}
- {name: %s/prod}
- {name: %s}
images:
- name: app
  dmap:
    %q: ["1.0", "1.0.0"]
    %q: []
`, source.Host(), one.Host(), two.Host(), sum, untagged), 0o600))
	wanted, err := spec.LoadPath(path, spec.Strict)
	require.NoError(t, err)
	l := newLab(t)

	p := l.planFile(t.Context(), wanted)
	l.run(t.Context(), p)

	requireAll(t, report.Done, p.Results())
	require.Len(t, p.Results(), 6)
	require.Equal(t, []string{"1.0", "1.0.0"}, one.Tags(t, "prod/app"))
	require.Equal(t, []string{"1.0", "1.0.0"}, two.Tags(t, "app"))
	require.True(t, two.HasTag(t, "app", untagged.String()))
	require.Equal(t, 3, one.Count(registrytest.UploadFinish)/2, "each image's blobs once")
}
