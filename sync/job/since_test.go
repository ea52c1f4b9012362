package job_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

// manifested are the options of a run of a cip manifest in a git repository, and
// what commits another version of it.
func manifested(t *testing.T, source, destination *registrytest.Registry) (o job.Options, commit func(entries string)) {
	t.Helper()
	directory := t.TempDir()
	git := func(arguments ...string) {
		command := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=ci", "-c", "user.email=ci@example.com"}, arguments...)...)
		command.Dir = directory
		output, err := command.CombinedOutput()
		require.NoError(t, err, string(output))
	}
	git("init", "--quiet")
	o = between(source, destination)
	o.Sources, o.Destinations = nil, nil
	o.SourceFile = filepath.Join(directory, "manifest.yaml")
	return o, func(entries string) {
		content := fmt.Sprintf("registries: [{name: %s, src: true}, {name: %s}]\nimages: [{name: app, dmap: {%s}}]\n", source.Host(), destination.Host(), entries)
		require.NoError(t, os.WriteFile(o.SourceFile, []byte(content), 0o600))
		git("add", "--all")
		git("-c", "commit.gpgsign=false", "commit", "--quiet", "--allow-empty", "--message=change")
	}
}

func TestOnlyWhatIsNewInAManifestIsDone(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	var entries [2]string
	for i := range entries {
		entries[i] = fmt.Sprintf("%q: [v%d]", source.Push(t, "app", "", registrytest.RandomImage(i)), i)
	}
	o, commit := manifested(t, source, destination)
	commit(entries[0])
	commit(entries[0] + ", " + entries[1])
	o.Since = "HEAD^"

	r, err := job.Run(t.Context(), o)

	require.NoError(t, err)
	require.Len(t, r.Results, 1)
	require.Equal(t, report.Done, r.Results[0].Status)
	require.Equal(t, []string{"v1"}, destination.Tags(t, "app"))

	o.Since = "HEAD"
	r, err = job.Run(t.Context(), o)
	require.NoError(t, err)
	require.Empty(t, r.Results)
}

func TestOnlyManifestsHaveSomethingNew(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	o := between(source, destination)
	o.Since = "HEAD"
	_, err := job.Run(t.Context(), o)
	require.ErrorContains(t, err, "--since takes a manifest of cip")
	require.True(t, fault.Is(err, fault.Input))

	_, err = job.RunSkopeo(t.Context(), o, job.Skopeo{From: "docker", To: "docker", Source: source.Host() + "/app", Destination: destination.Host()})
	require.ErrorContains(t, err, "--since is for manifests of cip")
	require.True(t, fault.Is(err, fault.Input))
}

func TestAManifestMovesTagsOnlyWhereItIsToldTo(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	wanted := source.Push(t, "app", "", registrytest.RandomImage(1))
	there := destination.Push(t, "app", "v1", registrytest.RandomImage(2))
	o, commit := manifested(t, source, destination)
	commit(fmt.Sprintf("%q: [v1]", wanted))
	run := func(policy string) (report.Result, digest.Digest) {
		o.TagPolicy = nil
		if policy != "" {
			parsed, err := spec.ParseTagPolicy(policy)
			require.NoError(t, err)
			o.TagPolicy = &parsed
		}
		r, err := job.Run(t.Context(), o)
		require.NoError(t, err)
		return r.Results[0], destination.Digest(t, "app", "v1")
	}

	for _, policy := range []string{"", "deny", "latest"} {
		result, now := run(policy)
		require.Equal(t, fault.Policy, result.Error.Kind, policy)
		require.Equal(t, there, now, policy)
	}
	result, now := run("v.*")
	require.Equal(t, report.Done, result.Status)
	require.Equal(t, there, result.PreviousDigest)
	require.Equal(t, wanted, now)
}
