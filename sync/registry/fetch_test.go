package registry

import (
	"context"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

// lookaside is a server of files over TLS, and what it is shown.
type lookaside struct {
	*httptest.Server
	authorized  atomic.Int32
	connections atomic.Int32
	busy        atomic.Int32 // how often it is too busy
}

func startLookaside(t *testing.T) *lookaside {
	t.Helper()
	l := &lookaside{}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			l.authorized.Add(1)
		}
		switch name := strings.TrimPrefix(req.URL.Path, "/sigs/"); {
		case l.busy.Add(-1) >= 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case name == "moved":
			http.Redirect(w, req, "https://ci:secret@"+req.Host+"/sigs/a@sha256=00/signature-1", http.StatusFound)
		case name == "private":
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(name, "/signature-1"):
			_, _ = fmt.Fprint(w, "signature of ", name)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	l.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			l.connections.Add(1)
		}
	}
	l.StartTLS()
	t.Cleanup(l.Close)
	return l
}

func (l *lookaside) host() string { return l.Listener.Addr().String() }

func (l *lookaside) at(t *testing.T, path string) *url.URL {
	t.Helper()
	u, err := url.Parse(l.URL + "/sigs/" + path)
	require.NoError(t, err)
	return u
}

// trusting is a client that finds the certificate of the server in certs.d.
func (l *lookaside) trusting(t *testing.T, options ...func(*transport.Options)) *Client {
	t.Helper()
	return newClient(t, append(options, func(o *transport.Options) {
		dir := filepath.Join(o.System.DockerPerHostCertDirPath, l.host())
		require.NoError(t, os.MkdirAll(dir, 0o700))
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Certificate().Raw})
		require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.crt"), certificate, 0o600))
		auth := fmt.Sprintf(`{"auths":{%q:{"auth":"Y2k6c2VjcmV0"}}}`, l.host())
		require.NoError(t, os.WriteFile(o.System.AuthFilePath, []byte(auth), 0o600))
	})...)
}

func TestAFileIsFetchedWithTheCertificatesOfItsHostAndWithoutCredentials(t *testing.T) {
	t.Parallel()
	server := startLookaside(t)
	c := server.trusting(t)
	signed := server.at(t, "a@sha256=00/signature-1")
	signed.User = url.UserPassword("ci", "secret")

	for _, u := range []*url.URL{signed, server.at(t, "moved")} {
		content, err := c.Fetch(t.Context(), u, 100)
		require.NoError(t, err)
		require.Equal(t, "signature of a@sha256=00/signature-1", string(content))
	}

	require.Zero(t, server.authorized.Load())
	require.Equal(t, map[string]int64{server.host(): 3}, c.Requests())
}

func TestFilesAreFetchedOverConnectionsThatAreKeptAndAgainIfThatHelps(t *testing.T) {
	t.Parallel()
	server := startLookaside(t)
	server.busy.Store(2)
	c := server.trusting(t, func(o *transport.Options) { o.MaxRequests = 4 })
	var all sync.WaitGroup
	for i := range 40 {
		u := server.at(t, fmt.Sprintf("a@sha256=%02d/signature-1", i))
		all.Go(func() {
			if _, err := c.Fetch(t.Context(), u, 100); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, map[string]int64{server.host(): 42}, c.Requests())
	require.LessOrEqual(t, server.connections.Load(), int32(4))
}

func TestFilesThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	server := startLookaside(t)
	trusting, other := server.trusting(t), newClient(t)
	for name, c := range map[string]struct {
		client *Client
		url    string
		limit  int64
		kind   fault.Kind
		text   string
	}{
		"not there":         {trusting, server.URL + "/sigs/a@sha256=00/signature-2", 100, fault.NotFound, "fetching " + server.URL + "/sigs/a@sha256=00/signature-2: StatusCode: 404"},
		"too large":         {trusting, server.URL + "/sigs/a@sha256=00/signature-1", 35, fault.Unsupported, "more than 35 bytes"},
		"private":           {trusting, server.URL + "/sigs/private", 100, fault.Unauthorized, ""},
		"unknown authority": {other, server.URL + "/sigs/a@sha256=00/signature-1", 100, fault.TLS, "certs.d/" + server.host()},
		"not HTTP":          {trusting, "file:///etc/passwd", 100, fault.Input, "not a URL of HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(c.url)
			require.NoError(t, err)
			_, err = c.client.Fetch(t.Context(), u, c.limit)
			requireFault(t, err, c.kind, c.text)
			require.NotContains(t, err.Error(), "csync login")
		})
	}
}

func TestAFileIsFetchedWithoutTLSOnlyIfItsURLSaysSo(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "signature") })
	c := newClient(t, func(o *transport.Options) {
		o.System = system(t, fmt.Sprintf("[[registry]]\nlocation = %q\ninsecure = true\n", host))
	})
	_, err := c.Fetch(t.Context(), &url.URL{Scheme: "https", Host: host, Path: "/a"}, 100)
	requireFault(t, err, fault.TLS)
	content, err := c.Fetch(t.Context(), &url.URL{Scheme: "http", Host: host, Path: "/a"}, 100)
	require.NoError(t, err)
	require.Equal(t, "signature", string(content))
}

func TestAFetchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := startLookaside(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := server.trusting(t).Fetch(ctx, server.at(t, "a@sha256=00/signature-1"), 100)
	requireFault(t, err, fault.Cancelled, "fetching "+server.URL)
}
