package transport

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	open := registrytest.Start(t, registrytest.TLS())
	expired := registrytest.Start(t, registrytest.ExpiredCertificate())
	closed := registrytest.Start(t, registrytest.ClientCertificate())
	plain := registrytest.Start(t)
	for _, server := range []*registrytest.Registry{open, expired, closed, plain} {
		server.Push(t, "a", "1", registrytest.RandomImage(1))
	}
	authorityOnly := t.TempDir()
	authority, err := os.ReadFile(filepath.Join(closed.CertDir, "ca.crt"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(authorityOnly, "ca.crt"), authority, 0o600))

	for name, c := range map[string]struct {
		server *registrytest.Registry
		access Access
		text   string // of the failure; "" for none
	}{
		"known authority":                     {open, Access{CertDir: open.CertDir}, ""},
		"unknown authority":                   {open, Access{}, "put the certificate of its authority into certs.d/" + open.Host()},
		"unknown, but verified":               {open, Access{TLSVerify: types.OptionalBoolTrue}, "certificate signed by unknown authority"},
		"not verified":                        {open, plainly, ""},
		"expired":                             {expired, Access{CertDir: expired.CertDir}, "expired"},
		"client certificate":                  {closed, Access{CertDir: closed.CertDir}, ""},
		"no client certificate":               {closed, Access{CertDir: authorityOnly}, "certificate"},
		"no client certificate, not verified": {closed, plainly, "certificate"},
		"no TLS":                              {plain, Access{}, "server gave HTTP response to HTTPS client; if " + plain.Host() + " is to be reached without TLS, say tls-verify: false"},
		"no TLS, not verified":                {plain, plainly, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := newSession(t)
			err := source(t, s, c.server.Host()+"/a", c.access).Resolve(t.Context(), "1")
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, fault.TLS, c.text)
			if c.server != closed { // whose alert may come too late, after its connection
				require.Empty(t, w.each)
			}
		})
	}
}

func TestCertificatesOfTheSystemAreUsed(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.TLS())
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	dir := filepath.Join(s.System().DockerPerHostCertDirPath, server.Host())
	require.NoError(t, os.CopyFS(dir, os.DirFS(server.CertDir)))
	err := source(t, s, server.Host()+"/a", Access{}).Resolve(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "HTTP/2.0", server.Log()[0].Protocol)
}

func TestCertificatesAreFoundBelowTheRoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"etc/docker/certs.d/q.io:5000", "etc/docker/certs.d/both.io", "etc/containers/certs.d/both.io"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o700))
	}
	for host, wanted := range map[string]string{
		"q.io:5000": "/etc/docker/certs.d/q.io:5000", "both.io": "/etc/containers/certs.d/both.io", "none.io": "",
	} {
		dir, err := certificateDir(&types.SystemContext{RootForImplicitAbsolutePaths: root}, host)
		require.NoError(t, err)
		require.Equal(t, wanted, strings.TrimPrefix(dir, root))
	}
}

func TestKeyWithoutCertificateIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "client.key"), nil, 0o600))
	s, _ := newSession(t)
	_, err := s.Endpoint(Route{Registry: "q.io", Access: Access{CertDir: dir}})
	requireFault(t, err, fault.TLS, "client.key")
}

func TestHTTPIsFoundOutOnce(t *testing.T) {
	t.Parallel()
	var greetings sync.Map
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"tags":["1"]}`) })
	server := httptest.NewUnstartedServer(handler)
	listener := &greeted{Listener: server.Listener, seen: &greetings}
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	s, _ := newSession(t)
	source(t, s, host+"/a", plainly).host.nearby = false
	var all sync.WaitGroup
	for i := range 20 {
		r := source(t, s, fmt.Sprintf("%s/a%d", host, i), plainly)
		all.Go(func() {
			if _, err := r.Tags(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	hellos := 0
	greetings.Range(func(_, first any) bool {
		if first == byte(0x16) { // a TLS handshake record
			hellos++
		}
		return true
	})
	require.Equal(t, 1, hellos)
}

func TestARegistryOfThisMachineIsAskedOverHTTPFirst(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	err := source(t, s, server.Host()+"/a", plainly).Resolve(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, 1, server.Connections())
}

func TestABadRequestToARegistryOfThisMachineIsAnAnswer(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such thing", http.StatusBadRequest) })
	s, _ := newSession(t)
	_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
	require.ErrorContains(t, err, "no such thing")
	require.False(t, source(t, s, host+"/a", plainly).host.secure.Load())
}

func TestLoopbackIsThisMachine(t *testing.T) {
	t.Parallel()
	for address, wanted := range map[string]bool{
		"localhost:5000": true, "127.0.0.1:5000": true, "[::1]:5000": true, "127.1.2.3:80": true, "localhost": false, "127.0.0.1": false,
		"q.io": false, "localhost.q.io:5000": false, "10.0.0.1:5000": false, "[2001:db8::1]:5000": false,
	} {
		require.Equal(t, wanted, loopback(address), address)
	}
}

// greeted notes the first byte of each connection.
type greeted struct {
	net.Listener
	seen *sync.Map
}

func (g *greeted) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	return &greetedConn{Conn: c, seen: g.seen}, err
}

type greetedConn struct {
	net.Conn
	seen *sync.Map
	once sync.Once
}

func (c *greetedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.once.Do(func() { c.seen.Store(c, p[0]) })
	}
	return n, err
}

func TestRedirectTakesNoCredentialsToAnotherHost(t *testing.T) {
	t.Parallel()
	var headers http.Header
	elsewhere := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		headers = req.Header
		_, _ = io.WriteString(w, "content")
	})
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if _, _, known := req.BasicAuth(); !known {
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, req, "http://"+elsewhere+"/signed?secret=1", http.StatusTemporaryRedirect)
	})
	s, _ := newSession(t)
	body, err := source(t, s, host+"/a", asUser(plainly)).Blob(t.Context(), "content")
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "content", string(content))
	require.Empty(t, headers.Get("Authorization"))
	require.Equal(t, "csync/test", headers.Get("User-Agent"))
}

func TestRedirectsThatAreNotFollowed(t *testing.T) {
	t.Parallel()
	plain := registrytest.Start(t)
	for name, c := range map[string]struct{ location, text string }{
		"to HTTP": {plain.URL() + "/signed?secret=1", "redirected from HTTPS to http://" + plain.Host() + "/signed"},
		"endless": {"", "stopped after 10 redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.Start(t, registrytest.TLS())
			server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				location := c.location
				if location == "" {
					location = req.URL.Path
				}
				http.Redirect(w, req, location, http.StatusTemporaryRedirect)
				return true
			})
			s, w := newSession(t)
			_, err := source(t, s, server.Host()+"/a", Access{CertDir: server.CertDir}).Blob(t.Context(), "content")
			requireFault(t, err, fault.Unsupported, c.text)
			require.NotContains(t, err.Error(), "secret")
			require.Empty(t, w.each)
			require.Empty(t, plain.Log())
		})
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	for i := range 10 {
		server.Push(t, fmt.Sprintf("a%d", i), "1", registrytest.RandomImage(1))
	}
	s, _ := newSession(t, func(o *Options) { o.MaxRequests = 4 })
	var all sync.WaitGroup
	for i := range 200 {
		r := source(t, s, fmt.Sprintf("%s/a%d", server.Host(), i%20), plainly)
		all.Go(func() { _ = r.Resolve(t.Context(), "1") }) // half of them are not there
	}
	all.Wait()
	require.LessOrEqual(t, server.Connections(), 8) // some dials are overtaken by a connection that gets free
}

func TestAHostThatIsDownIsNotBlamedOnAnotherImage(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := listener.Addr().String()
	require.NoError(t, listener.Close())
	s, _ := newSession(t)
	err = source(t, s, host+"/first", plainly).Resolve(t.Context(), "1")
	require.ErrorContains(t, err, "/v2/first/manifests/1")

	err = source(t, s, host+"/second", plainly).Resolve(t.Context(), "2")

	requireFault(t, err, fault.Network, "reaching http://"+host)
	require.NotContains(t, err.Error(), "first")
}
