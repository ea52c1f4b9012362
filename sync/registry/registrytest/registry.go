package registrytest

import (
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
	"github.com/stretchr/testify/require"
)

// Registry is a registry on a loopback port.
type Registry struct {
	// CertDir has ca.crt, and client.cert and client.key where they are asked
	// for, laid out as containers-certs.d(5) wants a directory; empty without TLS.
	CertDir string

	server    *http.Server
	listener  net.Listener
	tls       bool
	auth      authenticator
	content   *http.Client // goes past the front
	log       log
	accepted  atomic.Int64
	intercept atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	serving   sync.RWMutex // held by each request, so that Close can wait for them
	closed    bool
	release   func() error // the content's storage
	served    chan struct{}
}

// New starts a registry. The caller closes it.
func New(given ...Option) (*Registry, error) {
	o := newOptions(given)
	content := olareg.New(olaregConfig(o))
	r, err := newRegistry(o, content, content.Close)
	if err != nil {
		return nil, errors.Join(err, content.Close())
	}
	return r, nil
}

// Start starts a registry that is closed with the test.
func Start(t testing.TB, given ...Option) *Registry {
	t.Helper()
	r, err := New(given...)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func olaregConfig(o options) config.Config {
	deletes, referrers := !o.noDelete, !o.noReferrers
	c := config.Config{Storage: config.ConfigStorage{StoreType: config.StoreMem}}
	if o.directory != "" {
		c.Storage.StoreType, c.Storage.RootDir = config.StoreDir, o.directory
	}
	c.API.DeleteEnabled, c.API.Blob.DeleteEnabled = &deletes, &deletes
	c.API.Referrer.Enabled = &referrers
	return c
}

// newRegistry puts the front before content and serves it.
func newRegistry(o options, content http.Handler, release func() error) (*Registry, error) {
	r := &Registry{tls: o.tls, auth: open{}, release: release, served: make(chan struct{})}
	if o.noReferrers {
		content = withoutReferrers(content)
	}
	if !o.singlePost {
		content = withoutSinglePost(content)
	}
	if o.catalog {
		content = &catalog{content: content}
	}
	r.content = &http.Client{Transport: inProcess{content, o}}

	var err error
	if r.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	if o.auth != nil {
		r.auth = o.auth(r.URL())
	}
	r.server = &http.Server{
		Handler:   r.front(content),
		ConnState: r.countConnection,
		ErrorLog:  stdlog.New(io.Discard, "", 0), // broken connections are what tests are about
	}
	if o.tls {
		if err := r.serveTLS(o); err != nil {
			return nil, errors.Join(err, r.listener.Close())
		}
	}
	go r.serve()
	return r, nil
}

func (r *Registry) serve() {
	defer close(r.served)
	if r.tls {
		_ = r.server.ServeTLS(r.listener, "", "") // ends with ErrServerClosed
		return
	}
	_ = r.server.Serve(r.listener)
}

// Close breaks the connections, waits for the requests that are being answered,
// and forgets the content unless it is in a directory.
func (r *Registry) Close() {
	_ = r.server.Close()
	<-r.served
	r.serving.Lock()
	defer r.serving.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	_ = r.release()
	_ = os.RemoveAll(r.CertDir)
}

// Host is "127.0.0.1:PORT", as it stands in references.
func (r *Registry) Host() string { return r.listener.Addr().String() }

// URL is where the API is, "https://127.0.0.1:PORT" with TLS.
func (r *Registry) URL() string {
	if r.tls {
		return "https://" + r.Host()
	}
	return "http://" + r.Host()
}

// Intercept lets answer see each request first, before credentials are looked
// at; true says that it has answered. An answer of it is counted like any
// other. Nil ends this.
func (r *Registry) Intercept(answer func(http.ResponseWriter, *http.Request) bool) {
	if answer == nil {
		r.intercept.Store(nil)
		return
	}
	r.intercept.Store(&answer)
}

// front is what a client meets: the log, faults, credentials, content.
func (r *Registry) front(content http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.serving.RLock()
		defer r.serving.RUnlock()
		if r.closed {
			return
		}
		w, req = r.log.record(w, req)
		if answer := r.intercept.Load(); answer != nil && (*answer)(w, req) {
			return
		}
		if r.auth.admit(w, req) {
			content.ServeHTTP(w, req)
		}
	})
}

func (r *Registry) countConnection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		r.accepted.Add(1)
	}
}

func withoutReferrers(content http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, "/referrers/") {
			http.NotFound(w, req)
			return
		}
		content.ServeHTTP(w, req)
	})
}

// withoutSinglePost opens a session whatever a POST brings.
func withoutSinglePost(content http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/blobs/uploads/") {
			query := req.URL.Query()
			query.Del("digest")
			changed := *req.URL
			changed.RawQuery = query.Encode()
			asked := *req
			asked.URL = &changed
			req = &asked
		}
		content.ServeHTTP(w, req)
	})
}
