package job_test

import (
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

// copying are the options of a copy from one registry to another.
func copying(source, destination *registrytest.Registry) job.Options {
	o := between(source, destination)
	o.Verb, o.Sources, o.Destinations = job.Copy, nil, nil
	return o
}

func copied(t *testing.T, o job.Options, c job.Copying) *report.Report {
	t.Helper()
	r, err := job.RunCopy(t.Context(), o, c)
	require.NoError(t, err)
	for _, result := range r.Results {
		require.NotEqual(t, report.Failed, result.Status, "%s: %+v", result.Destination, result.Error)
	}
	return r
}

func TestOneImageGetsTheNamesThatAreAskedFor(t *testing.T) {
	t.Parallel()
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "staging/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	o := copying(source, one)
	c := job.Copying{Source: "docker://" + source.Host() + "/staging/app:1.0", Destinations: []string{
		one.Host() + "/org/ns----app:1.0-7", one.Host() + "/org/ns----app:latest", "docker://" + two.Host() + "/other:x",
	}}
	source.Reset()

	r := copied(t, o, c)

	require.Equal(t, "copy", r.Verb)
	require.Equal(t, []int{3, 2, 1}, []int{r.Summary.Total, r.Summary.Copied, r.Summary.Retagged})
	require.Equal(t, []string{"1.0-7", "latest"}, one.Tags(t, "org/ns----app"))
	require.Equal(t, sum, one.Digest(t, "org/ns----app", "latest"))
	require.Equal(t, source.Image(t, "staging/app", "1.0"), two.Image(t, "other", "x"))
	require.Equal(t, source.Count(registrytest.BlobGet), len(source.Image(t, "staging/app", "1.0").Children)*len(source.Image(t, "staging/app", "1.0").Children[0].Blobs), "each blob once")

	again := copied(t, o, c)
	require.Equal(t, 3, again.Summary.Unchanged)
	require.False(t, again.Changed)
}

func TestACopyByDigestTakesThatDigest(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "app", "", registrytest.RandomImage(1))
	c := job.Copying{Source: source.Host() + "/app@" + sum.String(), Destinations: []string{
		destination.Host() + "/app@" + sum.String(), destination.Host() + "/app:1.0",
	}}

	copied(t, copying(source, destination), c)

	require.Equal(t, sum, destination.Digest(t, "app", "1.0"))
	requireUnchanged(t, copied(t, copying(source, destination), c))
}

func requireUnchanged(t *testing.T, r *report.Report) {
	t.Helper()
	require.Equal(t, r.Summary.Total, r.Summary.Unchanged, r.Results)
}

func TestACopyTakesTheChosenPlatforms(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x")
	source.Push(t, "app", "1.0", index)
	cut := registrytest.Index(index.Children[0], index.Children[2]).Digest()
	platforms := []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "s390x"}}
	layout := "oci:" + t.TempDir() + ":whole"
	copied(t, copying(source, destination), job.Copying{Source: source.Host() + "/app:1.0", Destinations: []string{layout}})
	for _, from := range []string{source.Host() + "/app:1.0", layout} {
		to := destination.Host() + "/" + map[bool]string{true: "layout", false: "registry"}[from == layout]
		copied(t, copying(source, destination), job.Copying{
			Source: from, Destinations: []string{to + ":1.0", to + ":stable"}, Platforms: platforms,
		})
		for _, tag := range []string{"1.0", "stable"} {
			require.Equal(t, cut, destination.Digest(t, strings.TrimPrefix(to, destination.Host()+"/"), tag), from)
		}
	}
}

func TestACopyGoesToPlacesOfEveryKind(t *testing.T) {
	t.Parallel()
	source, back, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
	sum := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	places := []string{
		"dir:" + filepath.Join(directory, "plain"), "oci:" + filepath.Join(directory, "layout") + ":app:1.0",
		"oci:" + filepath.Join(directory, "layout") + ":app:2.0", "oci-archive:" + filepath.Join(directory, "a.tar") + ":app",
		"docker-archive:" + filepath.Join(directory, "d.tar") + ":q.io/app:1.0",
	}

	r := copied(t, copying(source, back), job.Copying{Source: source.Host() + "/app:1.0", Destinations: places})

	require.Len(t, r.Results, len(places))
	require.FileExists(t, filepath.Join(directory, "plain", "manifest.json"))
	for i, place := range places {
		to := back.Host() + "/app:" + string(rune('a'+i))
		copied(t, copying(source, back), job.Copying{Source: place, Destinations: []string{to}})
		if !strings.HasPrefix(place, "docker-archive:") { // which keeps no digest
			require.Equal(t, sum, back.Digest(t, "app", string(rune('a'+i))), place)
		}
	}
}

func TestACopyBringsReferrersAndKeepsToTheTagPolicy(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	image := registrytest.RandomImage(1)
	source.Push(t, "app", "1.0", image)
	tag, signature := registrytest.CosignSignature(image)
	source.Push(t, "app", tag, signature)
	there := destination.Push(t, "app", "latest", registrytest.RandomImage(2))
	o := copying(source, destination)
	policy, err := spec.ParseTagPolicy("deny")
	require.NoError(t, err)
	o.TagPolicy = &policy
	c := job.Copying{Source: source.Host() + "/app:1.0", Referrers: true, Destinations: []string{
		destination.Host() + "/app:latest", destination.Host() + "/app:1.0",
	}}

	r, err := job.RunCopy(t.Context(), o, c)

	require.NoError(t, err)
	require.Equal(t, 1, r.Summary.Failed, r.Results)
	require.Equal(t, there, destination.Digest(t, "app", "latest"))
	require.ElementsMatch(t, []string{"1.0", "latest", tag}, destination.Tags(t, "app"), "a tag that stays holds up no other")

	for place, carried := range map[string]bool{"dir:" + t.TempDir() + "/app": false, "oci:" + t.TempDir() + ":app:1.0": true} {
		taken := copied(t, o, job.Copying{Source: source.Host() + "/app:1.0", Referrers: true, Destinations: []string{place}})
		require.Equal(t, carried, taken.Summary.Skipped == 0, place)
		back := copied(t, o, job.Copying{Source: place, Referrers: true, Destinations: []string{destination.Host() + "/lib:1"}})
		require.Equal(t, carried, back.Summary.Skipped == 0, place)
		require.Equal(t, carried, destination.HasTag(t, "lib", tag))
	}
}

func TestACopyWithinARepositoryMovesNoBlob(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	sum := r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	r.Reset()

	done := copied(t, copying(r, r), job.Copying{Source: r.Host() + "/app:1.0", Destinations: []string{r.Host() + "/app:stable", r.Host() + "/app:1.0"}})

	require.Equal(t, 1, done.Summary.Retagged, done.Results)
	require.Equal(t, sum, r.Digest(t, "app", "stable"))
	require.Zero(t, r.Count(registrytest.BlobGet)+r.Count(registrytest.Mount)+r.Count(registrytest.UploadStart), r.Counts())
}

func TestADryCopyWritesNothing(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	o := copying(source, destination)
	o.DryRun = true

	r := copied(t, o, job.Copying{Source: source.Host() + "/app:1.0", Destinations: []string{destination.Host() + "/app:1.0"}})

	require.Equal(t, 1, r.Summary.Planned)
	for _, request := range destination.Log() {
		require.Contains(t, []string{"GET", "HEAD"}, request.Method)
	}
}

func TestACopyThatCannotBeAttemptedHasNoReport(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for name, c := range map[string]job.Copying{
		"no destination":             {Source: source.Host() + "/app:1"},
		"a source that is none":      {Source: "floppy:app", Destinations: []string{destination.Host() + "/app:"}},
		"a destination without host": {Source: source.Host() + "/app:1", Destinations: []string{"app:1"}},
		"an empty tag":               {Source: source.Host() + "/app:1", Destinations: []string{destination.Host() + "/app:"}},
		"one bad destination of two": {Source: source.Host() + "/app:1", Destinations: []string{destination.Host() + "/app:1", "dir:"}},
	} {
		r, err := job.RunCopy(t.Context(), copying(source, destination), c)
		require.Nil(t, r, name)
		require.True(t, fault.Is(err, fault.Input), "%s: %v", name, err)
	}
	require.Empty(t, source.Counts())
	require.Empty(t, destination.Counts())
}

func TestACopyOfWhatIsNotThereFails(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	r, err := job.RunCopy(t.Context(), copying(source, destination), job.Copying{
		Source: source.Host() + "/app:none", Destinations: []string{destination.Host() + "/a:1", destination.Host() + "/a:2", destination.Host() + "/b:1"},
	})
	require.NoError(t, err)
	require.Equal(t, 3, r.Summary.Failed)
	for _, result := range r.Results {
		require.Equal(t, fault.NotFound, result.Error.Kind, result.Error.Message)
	}
}
