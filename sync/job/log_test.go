package job_test

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"csync/sync/job"
	"csync/sync/registry/registrytest"
)

func TestWhatARunLogsGoesToItsOwnLog(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1", registrytest.RandomImage(1))
	var asked atomic.Bool
	source.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		first := !asked.Swap(true)
		if first {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return first
	})
	var lines bytes.Buffer
	o := between(source, destination)
	o.Registry.RetryDelay = time.Millisecond
	o.Log = logrus.New()
	o.Log.SetOutput(&lines)
	r, err := job.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 1, r.Summary.Copied)
	require.Contains(t, lines.String(), "trying again")
}
