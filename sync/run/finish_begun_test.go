package run_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/run"
)

// ending calls its func when the step for a destination has its result.
type ending struct {
	tally
	destination string
	call        func()
}

func (e *ending) Finished(result report.Result) {
	if strings.HasSuffix(result.Destination, e.destination) {
		e.call()
	}
}

func TestAfterAFailureWhatIsUnderWayCanBeFinished(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for _, repository := range []string{"a", "b", "c"} {
		pushTags(t, source, repository, "1")
	}
	given := make(chan struct{}) // up: c, which comes after b has failed
	destination.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/a/manifests/") {
			<-given
		}
		refused := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/b/manifests/")
		if refused {
			w.WriteHeader(http.StatusForbidden)
		}
		return refused
	})
	l := newLab(t, "docker://"+destination.Host())
	l.jobs = 2
	l.options.FailFast, l.options.FinishBegun = true, true
	l.options.Progress = []run.Progress{&ending{destination: "/c:1", call: func() { close(given) }}}

	results := l.sync(allOf(source, "a", "b", "c"))

	require.Equal(t, report.Done, results[0].Status, "%+v", results[0].Error)
	requireFailure(t, results[1], fault.Denied, fault.Destination)
	require.Equal(t, fault.Cancelled, results[2].Error.Kind)
	require.Zero(t, results[2].BytesWritten)
}
