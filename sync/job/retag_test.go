package job_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

func retag(t *testing.T, o job.Options, arguments ...string) *report.Report {
	t.Helper()
	done, err := job.Retagging{Arguments: arguments}.Run(t.Context(), o)
	require.NoError(t, err)
	return done
}

func TestARetagGivesFurtherTagsByTheManifestAlone(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	wanted := r.Push(t, "team/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	old := r.Push(t, "team/app", "stable", registrytest.RandomImage(2))
	r.Reset()

	done := retag(t, single(r, job.Retag), "docker://"+r.Host()+"/team/app:1.0", "stable", "1")

	require.Empty(t, failures(done))
	require.Equal(t, "retag", done.Verb)
	require.Equal(t, 2, done.Summary.Retagged)
	require.Equal(t, "docker://"+r.Host()+"/team/app:stable", done.Results[1].Destination)
	require.Equal(t, old, done.Results[1].PreviousDigest)
	require.Empty(t, done.Results[0].PreviousDigest)
	for i, tag := range []string{"1", "stable"} {
		require.Equal(t, wanted, r.Digest(t, "team/app", tag))
		require.Equal(t, wanted, done.Results[i].SourceDigest)
		require.Equal(t, wanted, done.Results[i].Digest)
		require.True(t, done.Results[i].Verified)
	}
	require.Zero(t, r.BlobBytesRead()+r.BlobBytesWritten())
	require.Equal(t, 2, r.Count(registrytest.ManifestPut), r.Counts())
	require.Zero(t, r.Count(registrytest.BlobHead)+r.Count(registrytest.Mount), r.Counts())
}

func TestASecondRetagChangesNothingInARequestATagAndOneForTheImage(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	retag(t, single(r, job.Retag), r.Host()+"/app:1.0", "stable", "1")
	r.Reset()

	again := retag(t, single(r, job.Retag), r.Host()+"/app:1.0", "stable", "1")

	require.False(t, again.Changed)
	require.Equal(t, 2, again.Summary.Unchanged)
	require.Equal(t, report.Retag, again.Results[0].Action)
	require.Equal(t, 3, r.Count(registrytest.ManifestHead), r.Counts())
	require.Len(t, r.Log(), 3, r.Counts())
}

func TestARetagNamesItsImageByTagDigestOrBoth(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	wanted := r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	other := r.Push(t, "app", "2.0", registrytest.RandomImage(2))
	o := single(r, job.Retag)

	for _, source := range []string{"app:1.0", "app@" + wanted.String(), "app:1.0@" + wanted.String()} {
		tag := "of" + source[3:4] + "tag" + source[len(source)-4:]
		tag = strings.NewReplacer(":", "-", "@", "_").Replace(tag)
		done := retag(t, o, r.Host()+"/"+source, tag)
		require.Empty(t, failures(done), source)
		require.Equal(t, report.Retag, done.Results[0].Action)
		require.Equal(t, wanted, r.Digest(t, "app", tag), source)
		require.False(t, retag(t, o, r.Host()+"/"+source, tag).Changed, source)
	}

	moved := retag(t, o, r.Host()+"/app:2.0@"+wanted.String(), "never")
	require.Equal(t, fault.Conflict, moved.Results[0].Error.Kind)
	require.Contains(t, failures(moved), other.String())
	require.False(t, r.HasTag(t, "app", "never"))
}

func TestADryRetagWritesNothing(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	wanted := r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	old := r.Push(t, "app", "stable", registrytest.RandomImage(2))
	o := single(r, job.Retag)
	o.DryRun = true

	planned := retag(t, o, r.Host()+"/app:1.0", "stable")

	require.Equal(t, 1, planned.Summary.Planned)
	require.Equal(t, wanted, planned.Results[0].Digest)
	require.Equal(t, old, planned.Results[0].PreviousDigest)
	require.Equal(t, old, r.Digest(t, "app", "stable"))
}

func TestARetagKeepsToTheTagPolicy(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	old := r.Push(t, "app", "stable", registrytest.RandomImage(2))
	o := single(r, job.Retag)
	policy, err := spec.ParseTagPolicy("deny")
	require.NoError(t, err)
	o.TagPolicy = &policy

	done := retag(t, o, r.Host()+"/app:1.0", "stable", "new")

	require.Equal(t, report.Done, done.Results[0].Status, "a new tag moves nothing")
	require.Equal(t, fault.Policy, done.Results[1].Error.Kind)
	require.Equal(t, old, r.Digest(t, "app", "stable"))
}

func TestThePolicyIsAskedAboutWhatIsRetagged(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	policy := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(`{"default": [{"type": "reject"}]}`), 0o600))
	o := single(r, job.Retag)
	o.Trust = job.Trust{}
	o.Registry.System = systemWith(policy)

	for _, o.DryRun = range []bool{true, false} {
		done := retag(t, o, r.Host()+"/app:1.0", "stable")
		require.Equal(t, fault.Policy, done.Results[0].Error.Kind)
		require.Equal(t, fault.Source, done.Results[0].Error.Side)
	}
	require.False(t, r.HasTag(t, "app", "stable"))
}

func TestAGuardedRetagLeavesATagAloneThatSomebodyElseMoves(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	r.Push(t, "app", "stable", registrytest.RandomImage(2))
	other := registrytest.RandomImage(3)
	read := false // the image, which follows the plan
	r.Intercept(func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodGet && strings.Contains(request.URL.Path, "/manifests/") && !read {
			read = true
			require.NoError(t, r.Put("app", "stable", other))
		}
		return false
	})

	done, err := job.Retagging{Arguments: []string{r.Host() + "/app:1.0", "stable"}, Guarded: true}.Run(t.Context(), single(r, job.Retag))

	require.NoError(t, err)
	require.True(t, read)
	require.Equal(t, fault.Conflict, done.Results[0].Error.Kind)
	require.Equal(t, other.Digest(), r.Digest(t, "app", "stable"))
}

func TestAFileOfRetagsIsDoneAsAWhole(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	first := r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	second := r.Push(t, "db", "7", registrytest.RandomImage(2))
	o := single(r, job.Retag)
	o.SourceFile = listed(t, "# moved on Monday\nDST/app:1.0 stable latest\n\ndocker://DST/db:7 stable # the database\nDST/none:1 stable\n", r, r)

	done := retag(t, o)

	require.Equal(t, 3, done.Summary.Retagged)
	require.Equal(t, 1, done.Summary.Failed)
	require.Equal(t, fault.NotFound, done.Results[3].Error.Kind)
	require.Equal(t, first, r.Digest(t, "app", "latest"))
	require.Equal(t, second, r.Digest(t, "db", "stable"))
}

func TestFailFastRetagsNothingOnceAnImageIsMissing(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	o := single(r, job.Retag)
	o.FailFast = true
	o.SourceFile = listed(t, "DST/app:1.0 stable\nDST/app:none never\n", r, r)

	done := retag(t, o)

	require.Equal(t, 2, done.Summary.Failed)
	require.Equal(t, []string{"1.0"}, r.Tags(t, "app"))
}

func TestARetagToItsOwnTagChangesNothing(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))

	done := retag(t, single(r, job.Retag), r.Host()+"/app:1.0", "1.0")
	require.Equal(t, 1, done.Summary.Unchanged)

	done = retag(t, single(r, job.Retag), r.Host()+"/app:none", "none")
	require.Equal(t, fault.NotFound, done.Results[0].Error.Kind)
}

func TestEveryMistakeInAFileOfRetagsIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	r.Reset()
	o := single(r, job.Retag)
	o.SourceFile = listed(t, "DST/app:1.0 stable\nDST/app:1.0\napp:1.0 x\nDST/app:1.0 a:b\nDST/App:1 x\nDST/app:1.0 x stable\n  oci:dir:1 x\n", r, r)

	done, err := job.Retagging{}.Run(t.Context(), o)

	require.Nil(t, done)
	require.True(t, fault.Is(err, fault.Input))
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 6, err)
	for i, want := range []string{
		":2:1: SOURCE TAG [TAG...] was meant", `:3:1: "app:1.0" names no registry; write HOST[:PORT]/app:1.0`,
		`:4:` + column(r, "/app:1.0 ") + `: "a:b" is not a tag`, ":5:1: parsing", ":6:" + column(r, "/app:1.0 x ") + ": docker://" + r.Host() + "/app:stable is written by line 1 already",
		`:7:3: "oci:dir:1" is in no registry`,
	} {
		require.True(t, strings.HasPrefix(lines[i], o.SourceFile+want), "%s\n%s", lines[i], want)
	}
	require.Empty(t, r.Counts())
}

func TestMistakesInTheArgumentsOfARetagAreUsage(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for want, arguments := range map[string][]string{
		"SOURCE TAG [TAG...] was meant; csync retag --help": {r.Host() + "/app:1"},
		"is named twice": {r.Host() + "/app:1", "x", "x"},
		`"sha256:` + strings.Repeat("0", 64) + `" is not a tag`: {r.Host() + "/app:1", "sha256:" + strings.Repeat("0", 64)},
	} {
		_, err := job.Retagging{Arguments: arguments}.Run(t.Context(), single(r, job.Retag))
		require.ErrorContains(t, err, want)
		require.True(t, fault.Is(err, fault.Input))
	}
	o := single(r, job.Retag)
	o.SourceFile = "-"
	o.Input = strings.NewReader(r.Host() + "/app:1 stable")
	_, err := job.Retagging{Arguments: []string{"app:1"}}.Run(t.Context(), o)
	require.ErrorContains(t, err, `"app:1": the file says what is to be done`)
}
