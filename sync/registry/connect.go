package registry

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
	dialled chan dialled // closed after the connection, if there is one
}

type dialled struct {
	net.Conn
	at time.Time
}

// fresh is how old an early connection may be that is used: what has been silent
// for longer, somebody on the way may have dropped.
const fresh = 3 * time.Second

// Connect begins to open a connection to the registry of r, so that its first
// request, which others are waiting for, finds one. It does nothing where there
// has been a request, or a connection goes through a proxy. Whether it succeeds,
// the first request will tell.
func (r *Repository) Connect(ctx context.Context) {
	h := r.primary.host
	at := &url.URL{Scheme: h.scheme(), Host: h.address}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: at}); proxy != nil || err != nil || h.contact.begun() {
		return
	}
	port := cmp.Or(at.Port(), map[string]string{"http": "80", "https": "443"}[at.Scheme])
	e := &early{net.JoinHostPort(at.Hostname(), port), make(chan dialled, 1)}
	if h.early.CompareAndSwap(nil, e) {
		go e.dial(ctx)
	}
}

func (e *early) dial(ctx context.Context) {
	defer close(e.dialled)
	if connection, err := newDialer().DialContext(ctx, "tcp", e.address); err == nil {
		e.dialled <- dialled{connection, time.Now()}
	}
}

// take gives the connection to whoever wants one to address first, nil if there
// is none.
func (e *early) take(ctx context.Context, address string) net.Conn {
	if e == nil || e.address != address {
		return nil
	}
	select {
	case d, ok := <-e.dialled:
		if ok && time.Since(d.at) < fresh {
			return d.Conn
		}
		if ok {
			_ = d.Close()
		}
	case <-ctx.Done():
	}
	return nil
}

// close ends a connection that nobody has taken.
func (e *early) close() {
	if e == nil {
		return
	}
	select {
	case d, ok := <-e.dialled:
		if ok {
			_ = d.Close()
		}
	default:
	}
}
