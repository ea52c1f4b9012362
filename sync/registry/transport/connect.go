package transport

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
)

// early is a connection that is opened before there is a request for it.
type early struct {
	address string
	dialled chan dialled // closed after the connection, or its error
	cancel  context.CancelFunc
}

type dialled struct {
	net.Conn
	err error
	at  time.Time
}

// fresh is how old an early connection may be that is used: what has been silent
// for longer, somebody on the way may have dropped.
const fresh = 3 * time.Second

// Connect begins to open a connection to the registry, so that its first
// request, which others are waiting for, finds one. It does nothing where there
// has been a request, or a connection goes through a proxy. Whether it succeeds,
// the first request will tell.
func (e *Endpoint) Connect(ctx context.Context) {
	h := e.host
	at := &url.URL{Scheme: h.scheme(), Host: h.address}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: at}); proxy != nil || err != nil || h.contact.begun() {
		return
	}
	port := cmp.Or(at.Port(), map[string]string{"http": "80", "https": "443"}[at.Scheme])
	ctx, cancel := context.WithCancel(ctx)
	first := &early{net.JoinHostPort(at.Hostname(), port), make(chan dialled, 1), cancel}
	if !h.early.CompareAndSwap(nil, first) {
		cancel()
		return
	}
	go first.dial(ctx)
}

func (e *early) dial(ctx context.Context) {
	defer close(e.dialled)
	connection, err := newDialer().DialContext(ctx, "tcp", e.address)
	e.dialled <- dialled{connection, err, time.Now()}
}

// take gives the connection, or why there is none, to whoever wants one to
// address first; neither to all others.
func (e *early) take(ctx context.Context, address string) (net.Conn, error) {
	if e == nil || e.address != address {
		return nil, nil
	}
	select {
	case d := <-e.dialled:
		if d.Conn == nil || time.Since(d.at) < fresh {
			return d.Conn, d.err
		}
		_ = d.Close()
	case <-ctx.Done():
	}
	return nil, nil
}

// close ends a connection that nobody has taken, also one that is still to
// come.
func (e *early) close() {
	if e == nil {
		return
	}
	e.cancel()
	for d := range e.dialled {
		if d.Conn != nil {
			_ = d.Close()
		}
	}
}
