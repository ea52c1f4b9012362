package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestRetryAfterIsRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		header string
		wait   time.Duration
		ok     bool
	}{
		"seconds":            {"7", 7 * time.Second, true},
		"none":               {"0", 0, true},
		"date":               {now.Add(9 * time.Second).Format(http.TimeFormat), 9 * time.Second, true},
		"date that is past":  {now.Add(-time.Hour).Format(http.TimeFormat), 0, true},
		"too long":           {"86400", maxRetryAfter, true},
		"date far away":      {now.Add(time.Hour).Format(http.TimeFormat), maxRetryAfter, true},
		"larger than a time": {"9223372036854775807", maxRetryAfter, true},
		"negative":           {"-1", 0, false},
		"not there":          {"", 0, false},
		"not a time":         {"soon", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wait, ok := retryAfter(c.header, now)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.wait, wait)
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "-1", "", "Fri, 31 Dec 1999 23:59:59 GMT", "18446744073709551615", "1e9", " 3 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait, ok := retryAfter(header, time.Now())
		require.True(t, wait >= 0 && wait <= maxRetryAfter, wait)
		require.True(t, ok || wait == 0)
	})
}

// flaky answers tag lists with the statuses given, one after another, then 200.
func flaky(t *testing.T, header http.Header, statuses ...int) (host string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	return registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := int(asked.Add(1))
		if n <= len(statuses) {
			for name := range header {
				w.Header().Set(name, header.Get(name))
			}
			w.WriteHeader(statuses[n-1])
			return
		}
		_, _ = io.WriteString(w, `{"tags":["1"]}`)
	}), asked
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	host, asked := flaky(t, nil, 500, 502, 503, 504, 408)
	s, w := newSession(t)
	_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 6, asked.Load())
	require.Len(t, w.each, 5)
	for i, d := range w.each {
		least := time.Second << i
		require.GreaterOrEqual(t, d, least)
		require.LessOrEqual(t, d, least+least/5)
	}
}

func TestAWaitThatIsGivenStaysTheSame(t *testing.T) {
	t.Parallel()
	host, _ := flaky(t, nil, 500, 502, 503)
	s, w := newSession(t, func(o *Options) { o.RetryDelay = 7 * time.Second })
	_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []time.Duration{7 * time.Second, 7 * time.Second, 7 * time.Second}, w.each)
}

func TestARegistryMayAskForAnotherWaitThanTheOneGiven(t *testing.T) {
	t.Parallel()
	host, _ := flaky(t, http.Header{"Retry-After": {"3"}}, 503)
	s, w := newSession(t, func(o *Options) { o.RetryDelay = 7 * time.Second })
	_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []time.Duration{3 * time.Second}, w.each)
}

func TestWhatIsNotTriedAgainWaitsItsTurnAsWell(t *testing.T) {
	t.Parallel()
	host, asked := flaky(t, nil, 503)
	s, w := newSession(t)
	r := source(t, s, host+"/a", plainly)
	r.host.traffic.pause(time.Hour)
	_, err := r.SendOnce(r.request(t.Context(), http.MethodPost, "blobs/uploads/", nil), 100)
	require.Equal(t, http.StatusServiceUnavailable, Status(err))
	require.EqualValues(t, 1, asked.Load())
	require.Len(t, w.each, 1)
}

func TestAnAnswerThatBreaksIsResumedInItsPlaceAsOftenAsAnythingIsRepeated(t *testing.T) {
	t.Parallel()
	host, _ := flaky(t, nil)
	s, w := newSession(t, func(o *Options) { o.MaxRequests, o.Retries = 1, 2 })
	r := source(t, s, host+"/a", plainly)
	req := r.request(t.Context(), http.MethodGet, "tags/list", nil)
	opened, err := r.Open(req)
	require.NoError(t, err)
	for attempt := range 2 {
		resumed, err := r.Resume(req, attempt, io.ErrUnexpectedEOF)
		require.NoError(t, err)
		require.NoError(t, resumed.Body.Close())
	}
	_, err = r.Resume(req, 2, io.ErrUnexpectedEOF)
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.Len(t, w.each, 2)
	require.Equal(t, 1, r.host.traffic.all.under)
	require.NoError(t, opened.Body.Close())
	require.Zero(t, r.host.traffic.all.under)
}

func TestWhatWillNotPassIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 404, 405, 501} {
		host, asked := flaky(t, nil, status)
		s, _ := newSession(t)
		_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
		require.ErrorContains(t, err, fmt.Sprintf("fetching tags list: StatusCode: %d", status))
		require.EqualValues(t, 1, asked.Load())
	}
}

func TestAttemptsHaveAnEnd(t *testing.T) {
	t.Parallel()
	for retries, wanted := range map[int]int32{0: 6, 2: 3, -1: 1} {
		host, asked := flaky(t, nil, 503, 503, 503, 503, 503, 503, 503)
		s, _ := newSession(t, func(o *Options) { o.Retries = retries })
		_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
		requireFault(t, err, fault.Network, "StatusCode: 503")
		require.Equal(t, wanted, asked.Load())
	}
}

func TestAWaveOfRateLimitsIsRespectedByAllRequestsToTheHost(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]func() string{
		"seconds": func() string { return "100" },
		"date":    func() string { return time.Now().Add(100 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, _ := flaky(t, http.Header{"Retry-After": {header()}}, 429, 429, 429)
			s, w := newSession(t)
			_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
			require.NoError(t, err)
			waited := len(w.each)
			require.InDelta(t, 100, w.each[0].Seconds(), 10)
			_, err = source(t, s, host+"/b", plainly).Tags(t.Context())
			require.NoError(t, err)
			require.Len(t, w.each, waited+1)
			require.InDelta(t, 100, w.each[waited].Seconds(), 10)
		})
	}
}

func TestALoneRateLimitIsWaitedForByTheRequestThatHadIt(t *testing.T) {
	t.Parallel()
	host, asked := flaky(t, http.Header{"Retry-After": {"100"}}, 429)
	s, w := newSession(t)
	r := source(t, s, host+"/a", plainly)
	for range 10 {
		_, err := r.Tags(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, []time.Duration{100 * time.Second}, w.each)
	require.EqualValues(t, 11, asked.Load())
	require.GreaterOrEqual(t, r.host.traffic.all.level, firstLevel)
}

func TestConnectionThatBreaksIsMadeAgain(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	var asked atomic.Int32
	server.Intercept(func(http.ResponseWriter, *http.Request) bool {
		if asked.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	s, _ := newSession(t)
	_, err := source(t, s, server.Host()+"/a", plainly).Tags(t.Context())
	require.NoError(t, err)
}

func TestUploadIsNotRepeated(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	var puts atomic.Int32
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut {
			return false
		}
		puts.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	s, _ := newSession(t)
	err := destination(t, s, server.Host()+"/a", plainly).Upload(t.Context(), strings.NewReader("content"))
	requireFault(t, err, fault.Network)
	require.EqualValues(t, 1, puts.Load())
}

func TestHostThatRefusesIsNotTriedForEveryImage(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := listener.Addr().String()
	require.NoError(t, listener.Close())
	s, w := newSession(t)
	for i := range 100 {
		err := source(t, s, fmt.Sprintf("%s/a%d", host, i), Access{}).Resolve(t.Context(), "1")
		requireFault(t, err, fault.Network, "connection refused", host)
	}
	require.Len(t, w.each, quickTries)
}

func TestCancelledRequestEndsItsWaiting(t *testing.T) {
	t.Parallel()
	host, asked := flaky(t, http.Header{"Retry-After": {"100"}}, 429)
	s, _ := newSession(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.transport.wait = func(ctx context.Context, d time.Duration) error {
		cancel()
		return wait(ctx, d)
	}
	_, err := source(t, s, host+"/a", plainly).Tags(ctx)
	requireFault(t, err, fault.Cancelled, "fetching tags list")
	require.EqualValues(t, 1, asked.Load())
}
