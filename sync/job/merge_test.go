package job_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

func (s *site) merge(words ...string) *report.Report {
	s.Helper()
	return s.merging(job.Merging{Arguments: words})
}

func (s *site) merging(m job.Merging) *report.Report {
	s.Helper()
	s.named(m.Arguments...)
	done, err := m.Run(s.Context(), s.options)
	require.NoError(s, err)
	return done
}

func TestAMergeIntoSeveralTagsReadsItsSourceOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	source := list(1, "linux/amd64")
	s.source.Push(t, "app", "1", source)
	s.destination.Push(t, "app", "latest", list(2, "linux/arm64"))
	s.reset()

	done := s.merge("SRC/app:1", "DST/app:1", "DST/app:latest", "DST/copy:1")

	require.Empty(t, failures(done))
	require.Equal(t, 3, done.Summary.Merged)
	require.Equal(t, source, s.destination.Image(t, "app", "1"))
	require.Len(t, s.destination.Image(t, "app", "latest").Children, 2)
	require.Equal(t, 3, s.source.Count(registrytest.BlobGet), s.source.Counts())
	byTag := 0
	for _, request := range s.source.Log() {
		if strings.HasSuffix(request.Path, "/manifests/1") {
			byTag++
		}
	}
	require.Equal(t, 1, byTag, s.source.Counts())
}

func TestWhatIsNoImageIsMergedWithItselfOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "chart", "1", registrytest.Artifact(nil, "application/vnd.example.chart"))
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))

	require.Empty(t, failures(s.merge("SRC/chart:1", "DST/chart:1")))
	s.requireUnchangedBy("SRC/chart:1", "DST/chart:1")

	got := s.result(s.merge("SRC/app:1", "DST/chart:1"), "chart", "1")
	require.Equal(t, fault.Unsupported, got.Error.Kind)
	require.Equal(t, fault.Destination, got.Error.Side)
	s.destination.Push(t, "app", "1", list(1, "linux/amd64"))
	got = s.result(s.merge("SRC/chart:1", "DST/app:1"), "app", "1")
	require.Equal(t, fault.Unsupported, got.Error.Kind)
	require.Equal(t, fault.Source, got.Error.Side)
}

func TestAMergeWithinARegistryMovesNoByte(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.destination.Push(t, "stage", "1", list(1, "linux/amd64"))
	s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
	s.destination.Push(t, "app", "new", list(3, "linux/s390x"))
	s.reset()

	done := s.merge("DST/stage:1", "DST/app:1")
	require.Empty(t, failures(done))
	require.Equal(t, 2, done.Summary.Total)
	done = s.merge("DST/app:new", "DST/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, 1, done.Summary.Total, "all of it is in the repository")
	require.Equal(t, []string{"linux/s390x", "linux/amd64", "linux/arm64"}, s.platforms("app", "1"))
	require.Zero(t, s.destination.BlobBytesRead()+s.destination.BlobBytesWritten())
}

func TestAKeepTagHoldsWhatWasMergedAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))
	s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
	m := job.Merging{Arguments: []string{"SRC/app:1", "DST/app:1", "DST/new:1"}, KeepTag: "{tag}-{digest}"}

	done := s.merging(m)

	require.Empty(t, failures(done))
	merged := s.destination.Digest(t, "app", "1")
	kept := "1-" + merged.Encoded()[:12]
	require.Equal(t, []string{"1", kept}, s.destination.Tags(t, "app"))
	require.Equal(t, merged, s.destination.Digest(t, "app", kept))
	require.Equal(t, []string{"1"}, s.destination.Tags(t, "new"), "a plain copy")
	require.Equal(t, report.Retag, s.result(done, "app", kept).Action)

	again := s.merging(m)
	require.False(t, again.Changed)
	require.Empty(t, failures(again))

	s.source.Push(t, "app", "1", list(3, "linux/amd64"))
	require.Empty(t, failures(s.merging(m)))
	require.Len(t, s.destination.Tags(t, "app"), 3)
	require.Equal(t, merged, s.destination.Digest(t, "app", kept))
}

func TestAKeepTagThatIsNoTagFailsAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))
	s.destination.Push(t, "app", "1", list(2, "linux/arm64"))

	done := s.merging(job.Merging{Arguments: []string{"SRC/app:1", "DST/app:1"}, KeepTag: "{tag}+{digest}"})

	require.Equal(t, 1, done.Summary.Failed)
	require.Equal(t, 1, done.Summary.Merged)
	require.Contains(t, failures(done), "1+")
}

func TestAKeepTagThatCouldNotKeepIsAMistake(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	for template, want := range map[string]string{
		"{tag}-kept":         `--keep-tag "{tag}-kept": without {digest} the next merge would move it; {tag}-{digest} was meant`,
		"{tag}-{time}":       "{time} stands for nothing; {tag} and {digest} do",
		"{digest}-{tag":      "{tag stands for nothing",
		"{digest12}{digest}": "{digest12} stands for nothing",
	} {
		_, err := job.Merging{Arguments: s.named("SRC/a:1", "DST/a:1"), KeepTag: template}.Run(t.Context(), s.options)
		require.ErrorContains(t, err, want)
		require.True(t, fault.Is(err, fault.Input))
	}
}

func TestATagThatSomebodyElseMovesIsNotMergedOver(t *testing.T) {
	t.Parallel()
	other := registrytest.RandomImage(3)
	for name, moment := range map[string]func(*http.Request) bool{
		"before it is compared": func(r *http.Request) bool {
			return r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/app/manifests/1")
		},
		"before it is written": func(r *http.Request) bool { return r.Method == http.MethodPost },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, job.Merge)
			s.source.Push(t, "app", "1", list(1, "linux/amd64"))
			s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
			moved := false
			s.destination.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
				if !moved && moment(r) {
					moved = true
					require.NoError(t, s.destination.Put("app", "1", other))
				}
				return false
			})

			done := s.merge("SRC/app:1", "DST/app:1")

			require.True(t, moved)
			require.Equal(t, fault.Conflict, s.result(done, "app", "1").Error.Kind, failures(done))
			require.Equal(t, other.Digest(), s.destination.Digest(t, "app", "1"))
		})
	}
}

func TestAMergeWhoseImageCannotBeBroughtIsNotWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.options.Registry.Retries = -1
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))
	old := s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
	s.source.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})

	done := s.merging(job.Merging{Arguments: []string{"SRC/app:1", "DST/app:1"}, KeepTag: "kept-{digest}"})

	require.Equal(t, 3, done.Summary.Failed)
	require.Equal(t, fault.Denied, s.result(done, "app", "1").Error.Kind)
	require.Contains(t, failures(done), "not written, because docker://"+s.destination.Host()+"/app@sha256:")
	require.Equal(t, old, s.destination.Digest(t, "app", "1"))
	require.Equal(t, []string{"1"}, s.destination.Tags(t, "app"))
}

func TestAMergeThatATagPolicyForbidsBringsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))
	old := s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
	policy, err := spec.ParseTagPolicy("deny")
	require.NoError(t, err)
	s.options.TagPolicy = &policy
	s.reset()

	for _, s.options.DryRun = range []bool{true, false} {
		done := s.merging(job.Merging{Arguments: []string{"SRC/app:1", "DST/app:1"}, KeepTag: "kept-{digest}"})

		require.Equal(t, fault.Policy, s.result(done, "app", "1").Error.Kind)
		require.Equal(t, done.Summary.Total, done.Summary.Failed, failures(done))
	}
	require.Equal(t, old, s.destination.Digest(t, "app", "1"))
	require.Zero(t, s.source.BlobBytesRead())
}

func TestADryMergeWritesNothingAndSaysWhatItWould(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))
	old := s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
	s.options.DryRun = true

	planned := s.merge("SRC/app:1", "DST/app:1")

	require.Equal(t, 2, planned.Summary.Planned)
	require.Equal(t, old, s.destination.Digest(t, "app", "1"))
	s.options.DryRun = false
	s.merge("SRC/app:1", "DST/app:1")
	require.Equal(t, s.destination.Digest(t, "app", "1"), s.result(planned, "app", "1").Digest)
}

func TestAFileOfMergesIsDoneAsAWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "app", "1", list(1, "linux/amd64"))
	s.source.Push(t, "db", "7", list(3, "linux/amd64"))
	s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
	s.options.SourceFile = listed(t, "SRC/app:1 DST/app:1\nSRC/db:7@sha256:"+strings.Repeat("0", 64)+" DST/db:7\nSRC/none:1 DST/none:1\n", s.source, s.destination)

	done := s.merge()

	require.Equal(t, 1, done.Summary.Merged)
	require.Equal(t, fault.Conflict, s.result(done, "db", "7").Error.Kind)
	require.Equal(t, fault.NotFound, s.result(done, "none", "1").Error.Kind)
	require.Equal(t, fault.Source, s.result(done, "none", "1").Error.Side)
}

func TestMistakesInMergesAreToldBeforeAnything(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	zero := digest.FromString("").String()
	for want, arguments := range map[string][]string{
		"SOURCE DEST [DEST...] was meant":                     {"SRC/a:1"},
		"names no tag, which is what is written":              {"SRC/a:1", "DST/a@" + zero},
		`"oci:a:1" is in no registry`:                         {"oci:a:1", "DST/a:1"},
		`"dir:a" is in no registry`:                           {"SRC/a:1", "dir:a"},
		`"a:1" names no registry; write HOST[:PORT]/a:1, or `: {"SRC/a:1", "a:1"},
		"/a:1 is named twice":                                 {"SRC/a:1", "DST/a:1", "DST/a:1"},
	} {
		_, err := job.Merging{Arguments: s.named(arguments...)}.Run(t.Context(), s.options)
		require.ErrorContains(t, err, want)
		require.True(t, fault.Is(err, fault.Input))
	}
	require.Empty(t, s.source.Counts())
	require.Empty(t, s.destination.Counts())
}
