package front

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const roundTrip = 50 * time.Millisecond

// answering is a registry that says text to everything.
func answering(status int, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body) // a recorder's request cannot break
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
}

func ask(t *testing.T, f *Front, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w
}

func TestARequestTakesARoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var arrived time.Duration
		began := time.Now()
		f := New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			arrived = time.Since(began)
		}), Options{RoundTrip: roundTrip})
		ask(t, f, http.MethodGet, "/v2/", "")
		require.Equal(t, roundTrip/2, arrived)
		require.Equal(t, roundTrip, time.Since(began))
	})
}

func TestARequestIsNotWaitedForWhenItsClientIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		f := New(answering(http.StatusOK, ""), Options{RoundTrip: roundTrip})
		f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/v2/", nil))
		require.Zero(t, time.Since(began))
	})
}

func TestRequestsBeyondTheLimitWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := New(answering(http.StatusOK, ""), Options{RoundTrip: roundTrip, InFlight: 2})
		began := time.Now()
		for range 5 {
			go ask(t, f, http.MethodGet, "/v2/", "")
		}
		wait(t.Context(), 3*roundTrip)
		synctest.Wait()
		require.Equal(t, 5, f.Counts().Total())
		require.Equal(t, 2, f.Counts().InFlight)
		require.Equal(t, 3*roundTrip, time.Since(began))
	})
}

func TestRequestsAreCountedByKind(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, method, path string
		status             int
		kind               Kind
	}{
		{"ping", "GET", "/v2/", 200, Ping},
		{"tag list", "GET", "/v2/a/b/tags/list", 200, TagList},
		{"manifest looked at", "HEAD", "/v2/a/manifests/1", 200, ManifestHead},
		{"manifest read", "GET", "/v2/a/manifests/1", 200, ManifestGet},
		{"manifest written", "PUT", "/v2/a/manifests/1", 201, ManifestPut},
		{"blob looked at", "HEAD", "/v2/a/blobs/sha256:0", 404, BlobHead},
		{"blob read", "GET", "/v2/a/blobs/sha256:0", 200, BlobGet},
		{"upload started", "POST", "/v2/a/blobs/uploads/", 202, UploadStart},
		{"blob mounted", "POST", "/v2/a/blobs/uploads/?mount=sha256:0&from=b", 201, Mount},
		{"mount refused", "POST", "/v2/a/blobs/uploads/?mount=sha256:0&from=b", 202, MountRefused},
		{"upload continued", "PATCH", "/v2/a/blobs/uploads/1", 202, UploadPatch},
		{"upload finished", "PUT", "/v2/a/blobs/uploads/1?digest=sha256:0", 201, UploadFinish},
		{"referrers", "GET", "/v2/a/referrers/sha256:0", 200, Referrers},
		{"refused", "GET", "/v2/a/manifests/1", 401, Unauthorized},
		{"anything else", "GET", "/", 404, Other},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := New(answering(c.status, ""), Options{})
			ask(t, f, c.method, c.path, "")
			require.Equal(t, map[Kind]int{c.kind: 1}, f.Counts().Requests)
		})
	}
}

func TestBytesOfBlobsAreCountedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	f := New(answering(http.StatusOK, "12345"), Options{})
	ask(t, f, http.MethodGet, "/v2/a/blobs/sha256:0", "")
	ask(t, f, http.MethodGet, "/v2/a/manifests/1", "")
	ask(t, f, http.MethodPut, "/v2/a/manifests/1", "123")
	require.EqualValues(t, 5, f.Counts().BytesRead)
	require.Zero(t, f.Counts().BytesWritten)

	f.Reset()
	ask(t, f, http.MethodPut, "/v2/a/blobs/uploads/1?digest=sha256:0", "1234567")
	require.EqualValues(t, 7, f.Counts().BytesWritten)
}

func TestCountsOfSeveralFrontsAddUp(t *testing.T) {
	t.Parallel()
	a := Counts{Requests: map[Kind]int{Ping: 1, Mount: 2}, Connections: 3, InFlight: 9, BytesRead: 4, BytesWritten: 5}
	b := Counts{Requests: map[Kind]int{Ping: 10}, Connections: 30, InFlight: 7, BytesRead: 40, BytesWritten: 50}
	require.Equal(t, Counts{
		Requests: map[Kind]int{Ping: 11, Mount: 2}, Connections: 33, InFlight: 9, BytesRead: 44, BytesWritten: 55,
	}, a.Plus(b))
}
