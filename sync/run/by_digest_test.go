package run_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/image/trust"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// system is the one for which skopeo's form chooses instances.
func system(architecture string) *types.SystemContext {
	return &types.SystemContext{OSChoice: "linux", ArchitectureChoice: architecture}
}

func TestAnIndexByDigestGivesADirectoryItsInstanceForTheSystem(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	sum := source.Push(t, "app", "1.0", index)
	l := newLab(t, "dir:"+directory)
	l.request.SelectSystem = system("arm64")

	results := l.sync(oneOf(source, "app", sum.String()))

	requireAll(t, report.Done, results)
	require.Equal(t, index.Children[1].Digest(), results[0].Digest)
	manifest, err := os.ReadFile(filepath.Join(directory, "app@"+sum.String(), "manifest.json"))
	require.NoError(t, err)
	require.Equal(t, string(index.Children[1].Manifest), string(manifest))
	requireAll(t, report.Unchanged, l.sync(oneOf(source, "app", sum.String())))
}

func TestAnIndexByDigestIsCutWhereItsNameIsNotItsDigest(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	sum := source.Push(t, "app", "1.0", index)
	want := registrytest.Index(index.Children[1]).Digest()
	for _, place := range []string{"dir:", "oci:"} {
		l := newLab(t, place+t.TempDir())
		file := oneOf(source, "app", sum.String(), "csync: {platforms: [arm64]}")
		results := l.sync(file)
		requireAll(t, report.Done, results)
		require.Equal(t, want, results[0].Digest)
		requireAll(t, report.Unchanged, l.sync(file))
	}
}

func TestThePolicyOfAnIndexByDigestHoldsForItsInstance(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	sum := source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	l := newLab(t, "dir:"+directory)
	l.request.SelectSystem = system("arm64")
	policy := trust.AcceptAnything()
	policy.Transports = map[string]signature.PolicyTransportScopes{
		"docker": {source.Host() + "/app@" + sum.String(): {signature.NewPRReject()}},
	}
	l.options.Copier.Trust.Policy = policy

	results := l.sync(oneOf(source, "app", sum.String()))

	requireFailure(t, results[0], fault.Policy, fault.Source, "rejected")
}

func TestADigestWhoseIndexWouldBeCutIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]bool{"where there is nothing yet": true, "beside other images": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			sum := source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
			if !fresh {
				destination.Push(t, "app", "0.9", registrytest.RandomImage(2))
			}
			l := newLab(t, "docker://"+destination.Host())

			results := l.sync(oneOf(source, "app", sum.String(), "csync: {platforms: [arm64]}"))

			requireFailure(t, results[0], fault.Input, fault.Source, "has another digest", `tags: {"`+sum.String()+`": [TAG]}`)
			requireOnlyReads(t, destination)
			require.Zero(t, source.Count(registrytest.BlobGet))

			l.request.SelectSystem = system("arm64")
			results = l.sync(oneOf(source, "app", sum.String()))
			requireFailure(t, results[0], fault.Input, fault.Source, "has another digest", "--all")
			requireOnlyReads(t, destination)
		})
	}
}

func TestADigestIsTakenWhereThePlatformsLeaveItAsItIs(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	single := source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithPlatform("linux/arm64")))
	index := source.Push(t, "app", "1.1", registrytest.MultiPlatform(2, "linux/amd64", "linux/arm64"))
	l := newLab(t, "docker://"+destination.Host())

	requireAll(t, report.Done, l.sync(oneOf(source, "app", single.String(), "csync: {platforms: [arm64]}")))
	requireAll(t, report.Done, l.sync(oneOf(source, "app", index.String(), "csync: {platforms: [arm64, amd64]}")))
}

func TestADigestGoesUnderTheTagsThatTheFileGivesIt(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	sum := source.Push(t, "app", "1.0", index)
	file := oneOf(source, "app", sum.String(), `csync: {platforms: [arm64], repositories: {app: {tags: {"`+sum.String()+`": [stable, 1.x]}}}}`)
	l := newLab(t, "docker://"+destination.Host())

	requireAll(t, report.Done, l.sync(file))

	require.Equal(t, []string{"1.x", "stable"}, destination.Tags(t, "app"))
	require.Equal(t, registrytest.Index(index.Children[1]).Digest(), destination.Digest(t, "app", "stable"))
	requireAll(t, report.Unchanged, l.sync(file))
}
