package run_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

// moving has the lab's plans keep to a tag policy.
func (l *lab) moving(policy string) *lab {
	l.t.Helper()
	var err error
	l.request.TagPolicy, err = spec.ParseTagPolicy(policy)
	require.NoError(l.t, err)
	return l
}

// byDestination are results by the end of what they are about.
func byDestination(results []report.Result, suffix string) report.Result {
	for _, result := range results {
		if strings.HasSuffix(result.Destination, suffix) {
			return result
		}
	}
	return report.Result{}
}

func TestATagThatMayNotMoveStaysAndTheOthersAreDone(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for i, tag := range []string{"1.0", "1.1", "latest"} {
		source.Push(t, "app", tag, registrytest.RandomImage(i))
	}
	there := destination.Push(t, "app", "1.0", registrytest.RandomImage(7))
	destination.Push(t, "app", "latest", registrytest.RandomImage(8))
	l := newLab(t, "docker://"+destination.Host()).moving("latest|edge-.*")

	results := l.sync(allOf(source, "app"))

	require.Len(t, results, 3)
	requireFailure(t, results[0], fault.Policy, fault.Destination, there.String(), source.Digest(t, "app", "1.0").String(), "--tag-policy")
	requireAll(t, report.Done, results[1:])
	require.Equal(t, there, destination.Digest(t, "app", "1.0"))
	require.Equal(t, there, results[0].PreviousDigest)
	require.Equal(t, source.Digest(t, "app", "latest"), destination.Digest(t, "app", "latest"))
}

func TestATagPolicyHoldsInEveryWayThatATagIsWritten(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]func(source, destination *registrytest.Registry) string{
		"a copy": func(source, _ *registrytest.Registry) string { return oneOf(source, "app", "1.0") },
		"a further tag": func(source, _ *registrytest.Registry) string {
			return oneOf(source, "app", "2.0", "csync: {repositories: {app: {tags: {'2.0': ['1.0']}}}}")
		},
		"a retag in the repository": func(_, destination *registrytest.Registry) string {
			return oneOf(destination, "app", "2.0", "csync: {repositories: {app: {tags: {'2.0': ['1.0']}}}}")
		},
		"a digest": func(source, _ *registrytest.Registry) string {
			sum := registrytest.RandomImage(1).Digest().String()
			return oneOf(source, "app", sum, "csync: {repositories: {app: {tags: {'"+sum+"': ['1.0']}}}}")
		},
		"a digest that is there": func(source, _ *registrytest.Registry) string {
			sum := registrytest.RandomImage(2).Digest().String()
			return oneOf(source, "app", sum, "csync: {repositories: {app: {tags: {'"+sum+"': ['1.0']}}}}")
		},
		"what is cut to platforms": func(source, _ *registrytest.Registry) string {
			return oneOf(source, "app", "1.0", "csync: {platforms: [linux/amd64]}")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1.0", registrytest.RandomImage(1))
			source.Push(t, "app", "2.0", registrytest.RandomImage(2))
			there := destination.Push(t, "app", "1.0", registrytest.RandomImage(7))
			destination.Push(t, "app", "2.0", registrytest.RandomImage(2))
			destination.Reset()
			l := newLab(t, "docker://"+destination.Host()).moving("deny")

			results := l.sync(file(source, destination))

			failed := byDestination(results, "app:1.0")
			requireFailure(t, failed, fault.Policy, fault.Destination, there.String(), "may not be moved")
			require.Equal(t, there, destination.Digest(t, "app", "1.0"))
			for _, request := range destination.Log() {
				require.NotEqual(t, registrytest.ManifestPut, request.Kind, request.Path)
				require.NotEqual(t, registrytest.UploadStart, request.Kind, request.Path)
			}
		})
	}
}

func TestATagPolicyHoldsWhereTagsAreListed(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "app", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21")
	there := destination.Push(t, "app", "7", registrytest.RandomImage(777))
	l := newLab(t, "docker://"+destination.Host()).moving("deny")

	results := l.sync(allOf(source, "app"))

	requireFailure(t, byDestination(results, "app:7"), fault.Policy, fault.Destination, there.String())
	require.Equal(t, there, destination.Digest(t, "app", "7"))
	require.Len(t, destination.Tags(t, "app"), 21)
}

func TestWhatIsInPlaceIsNoMove(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "app", "1.0", "1.1")
	for _, place := range []string{"docker://" + destination.Host(), "dir:" + t.TempDir(), "oci:" + t.TempDir()} {
		l := newLab(t, place).moving("deny")
		requireAll(t, report.Done, l.sync(allOf(source, "app")))
		requireAll(t, report.Unchanged, newLab(t, place).moving("deny").sync(allOf(source, "app")))
	}
}

func TestATagPolicyHoldsInDirectoriesAndLayouts(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"dir:", "oci:"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, place := registrytest.Start(t), transport+t.TempDir()
			before := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
			requireAll(t, report.Done, newLab(t, place).sync(oneOf(source, "app", "1.0")))
			after := source.Push(t, "app", "1.0", registrytest.RandomImage(2))

			results := newLab(t, place).moving("deny").sync(oneOf(source, "app", "1.0"))

			requireFailure(t, results[0], fault.Policy, fault.Destination, before.String(), after.String())
			requireAll(t, report.Done, newLab(t, place).moving(`1\..*`).sync(oneOf(source, "app", "1.0")))
		})
	}
}

func TestSignaturesAndReferrersMoveWhateverTheTagPolicy(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t, registrytest.NoReferrersAPI())
	s := pushSigned(t, source, "app", "1.0")
	l := newLab(t, "docker://"+destination.Host()).moving("deny")
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0")+withReferrers))
	another := registrytest.Artifact(&s.index, "application/vnd.example.more")
	source.Push(t, "app", "", another)
	source.Push(t, "app", s.cosignTag, registrytest.RandomImage(9))

	l = newLab(t, "docker://"+destination.Host()).moving("deny")
	for _, result := range l.sync(oneOf(source, "app", "1.0") + withReferrers) {
		require.NotEqual(t, report.Failed, result.Status, result.Error)
	}

	require.True(t, destination.HasTag(t, "app", another.Digest().String()))
	require.Equal(t, source.Digest(t, "app", s.cosignTag), destination.Digest(t, "app", s.cosignTag))
}

func TestWhatAConversionMakesIsHeldAgainstTheTagJustBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+destination.Host()).moving("deny")
	l.request.Format = "application/vnd.docker.distribution.manifest.v2+json"
	l.options.Copier.Format = l.request.Format
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0")))
	made := destination.Digest(t, "app", "1.0")
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0"))) // which comes to the same
	moved := source.Push(t, "app", "1.0", registrytest.RandomImage(2))

	results := l.sync(oneOf(source, "app", "1.0"))

	requireFailure(t, results[0], fault.Policy, fault.Destination, made.String())
	require.NotContains(t, results[0].Error.Message, moved.String(), "it is what that would become")
	require.Equal(t, made, destination.Digest(t, "app", "1.0"))
}

func TestATagThatCannotBeSeenWhenPlannedIsLookedAtBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		exists, blind bool // is the tag there, and does it stay out of sight
		status        report.Status
	}{
		"a repository that writing makes": {false, false, report.Done},
		"a tag that is there":             {true, false, report.Failed},
		"a tag that stays out of sight":   {true, true, report.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1.0", registrytest.RandomImage(1))
			if test.exists {
				destination.Push(t, "app", "1.0", registrytest.RandomImage(2))
			}
			var uploaded atomic.Bool
			destination.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost && !test.blind {
					uploaded.Store(true)
				}
				reads := r.Method == http.MethodGet || r.Method == http.MethodHead
				if uploaded.Load() || r.URL.Path == "/v2/" || !reads {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				return true
			})
			l := newLab(t, "docker://"+destination.Host()).moving("deny")

			results := l.sync(oneOf(source, "app", "1.0"))

			destination.Intercept(nil)
			require.Equal(t, test.status, results[0].Status, results[0].Error)
			if test.exists {
				requireFailure(t, results[0], fault.Policy, fault.Destination, "may not be moved")
				require.Equal(t, registrytest.RandomImage(2).Digest(), destination.Digest(t, "app", "1.0"))
			}
		})
	}
}

func TestAPlanShowsWhatMayNotMove(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	wanted := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	there := destination.Push(t, "app", "1.0", registrytest.RandomImage(2))
	l := newLab(t, "docker://"+destination.Host()).moving("deny")
	l.request.ReadOnly = true

	p := l.plan(oneOf(source, "app", "1.0"))
	p.DryRun()

	requireFailure(t, p.Results()[0], fault.Policy, fault.Destination, there.String(), wanted.String())
}
