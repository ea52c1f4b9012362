package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// eitherScheme accepts TLS and HTTP at one port.
type eitherScheme struct {
	net.Listener
	config *tls.Config
}

func (e eitherScheme) Accept() (net.Conn, error) {
	c, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := peeked{c, bufio.NewReader(c)}
	if first, err := p.buffer.Peek(1); err == nil && first[0] == 0x16 { // a handshake record
		return tls.Server(p, e.config), nil
	}
	return p, nil
}

type peeked struct {
	net.Conn
	buffer *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.buffer.Read(b) }

type connection struct{}

func TestALocalRegistryThatLeadsToHTTPSIsSentNoCredentialsInClear(t *testing.T) {
	t.Parallel()
	borrowed := httptest.NewTLSServer(nil)
	config := borrowed.TLS.Clone()
	config.NextProtos = nil
	borrowed.Close()
	var inClear atomic.Int32
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			authorized := req.Header.Get("Authorization") != ""
			_, secure := req.Context().Value(connection{}).(*tls.Conn)
			switch {
			case !secure:
				if authorized {
					inClear.Add(1)
				}
				http.Redirect(w, req, "https://"+req.Host+req.URL.String(), http.StatusMovedPermanently)
			case !authorized:
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
			default:
				_, _ = io.WriteString(w, `{"tags":["1"]}`)
			}
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connection{}, c) },
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(eitherScheme{listener, config}) }()
	t.Cleanup(func() { _ = server.Close() })
	s, _ := newSession(t)
	r := destination(t, s, listener.Addr().String()+"/a", asUser(plainly))

	_, err = r.Tags(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Upload(t.Context(), strings.NewReader("")))

	require.Zero(t, inClear.Load())
}

func TestATokenThatGoesWithTheFirstRequestIsNotTriedOverHTTPFirst(t *testing.T) {
	t.Parallel()
	s, _ := newSession(t)
	access := plainly
	access.RegistryToken = "x"
	require.Equal(t, "https", source(t, s, "127.0.0.1:5000/a", access).host.scheme())
	require.Equal(t, "http", source(t, s, "127.0.0.1:5000/a", plainly).host.scheme())
}
