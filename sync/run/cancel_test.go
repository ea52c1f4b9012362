package run_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestACancelledRunEndsAtOnceWithAResultForEveryStep(t *testing.T) {
	t.Parallel()
	for name, destinations := range map[string]int{"one destination": 1, "two destinations": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			pushTags(t, source, "done", "1.0")
			pushTags(t, source, "stuck", "1", "2", "3", "4", "5")
			l := newLab(t, "docker://"+destination.Host())
			for range destinations - 1 {
				l.places = append(l.places, l.place("docker://"+registrytest.Start(t).Host()))
			}
			requireAll(t, report.Done, l.sync(allOf(source, "done")))
			p := l.plan(allOf(source, "done", "stuck"))
			l.jobs = 2
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			blobs := hold(t, source, func(req *http.Request) bool { return matching(registrytest.BlobGet, req) })
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				l.run(ctx, p)
			}()
			<-blobs.reached

			stop()

			select {
			case <-ended:
			case <-time.After(5 * time.Second):
				t.Fatal("the run goes on")
			}
			require.Len(t, p.Results(), 6*destinations)
			for _, result := range p.Results() {
				if strings.Contains(result.Source, "/done:") {
					require.Equal(t, report.Unchanged, result.Status)
					continue
				}
				require.Equal(t, report.Failed, result.Status)
				require.Equal(t, fault.Cancelled, result.Error.Kind, result.Error.Message)
			}
			require.Empty(t, destination.Tags(t, "stuck"))
		})
	}
}

func TestAFailureStopsTheRestWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "app", "1", "2", "3", "4")
	destination.Intercept(answering(registrytest.ManifestPut, http.StatusForbidden, "DENIED"))
	l := newLab(t, "docker://"+destination.Host())
	l.jobs, l.options.FailFast = 1, true

	results := l.sync(allOf(source, "app"))

	require.Len(t, results, 4)
	requireFailure(t, results[0], fault.Denied, fault.Destination)
	for _, result := range results[1:] {
		require.Equal(t, report.Failed, result.Status)
		require.Equal(t, fault.Cancelled, result.Error.Kind)
		require.Contains(t, result.Error.Message, "--fail-fast")
	}
	require.Equal(t, 1, destination.Count(registrytest.ManifestPut))
}

func TestAFailureDoesNotStopTheRestOtherwise(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "bad", "1")
	pushTags(t, source, "good", "1", "2")
	destination.Intercept(onlyFor("bad", answering(registrytest.ManifestPut, http.StatusForbidden, "DENIED")))
	l := newLab(t, "docker://"+destination.Host())
	l.jobs = 1

	results := l.sync(allOf(source, "bad", "good"))

	require.Equal(t, report.Failed, results[0].Status)
	requireAll(t, report.Done, results[1:])
}

// TestNoGoroutineIsLeftAfterARun looks at the goroutines of the whole program,
// so that nothing may run beside it.
func TestNoGoroutineIsLeftAfterARun(t *testing.T) {
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	file := crowd(t, source, 6)
	l := newLab(t, "docker://"+one.Host(), "docker://"+two.Host())
	one.Intercept(onlyFor("team/app03", answering(registrytest.UploadStart, http.StatusForbidden, "DENIED")))
	source.Intercept(onlyFor("team/app05", cutOff(registrytest.BlobGet)))

	l.sync(file)

	require.Eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(stack, "testing.tRunner") {
				continue // a test of this package that waits for its turn
			}
			for _, ours := range []string{"csync/sync/run.", "csync/sync/image.", "csync/sync/plan."} {
				if strings.Contains(stack, ours) {
					return false
				}
			}
		}
		return true
	}, time.Second, time.Millisecond)
}
