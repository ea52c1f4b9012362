package transport

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestAnEarlyConnectionIsTakenOnce(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := destination(t, s, server.Host()+"/a", plainly)
	r.Connect(t.Context())
	r.Connect(t.Context())

	for range 3 {
		require.NoError(t, r.Resolve(t.Context(), "1"))
	}

	require.Equal(t, 1, server.Connections())
}

func TestNothingIsConnectedEarlyAfterTheFirstRequest(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := destination(t, s, server.Host()+"/a", plainly)
	require.NoError(t, r.Resolve(t.Context(), "1"))

	r.Connect(t.Context())

	require.Nil(t, r.host.early.Load())
}

func TestAnEarlyConnectionThatIsOldOrNotWantedIsClosed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age time.Duration
		end func(t *testing.T, e *early)
	}{
		"not wanted": {0, func(_ *testing.T, e *early) { e.close() }},
		"old": {fresh, func(t *testing.T, e *early) {
			connection, err := e.take(t.Context(), e.address)
			require.NoError(t, err)
			require.Nil(t, connection)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := net.Pipe()
			e := &early{"q.io:443", make(chan dialled, 1), func() {}}
			e.dialled <- dialled{near, nil, time.Now().Add(-c.age)}
			close(e.dialled)
			c.end(t, e)
			_, err := far.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestAnswersThatRefuseDoNotKeepTheirConnectionsFromWhatMustBeAsked(t *testing.T) {
	t.Parallel()
	var both sync.WaitGroup
	both.Add(2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case strings.HasPrefix(req.URL.Path, "/v2/there/"):
			_, _ = io.WriteString(w, `{"tags":["1"]}`)
		case req.URL.Path != "/v2/":
			both.Done()
			both.Wait() // until both connections are in use
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	s, _ := newSession(t, func(o *Options) { o.MaxRequests = 2 })
	_, err := source(t, s, host+"/there", asUser(plainly)).Tags(t.Context())
	require.NoError(t, err)

	var all sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		all.Go(func() {
			if _, err := source(t, s, host+"/"+name, asUser(plainly)).Tags(t.Context()); err == nil {
				t.Error("found what is not there")
			}
		})
	}
	all.Wait()
}
