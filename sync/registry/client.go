package registry

import (
	"context"
	"sync"
	"time"

	"go.podman.io/image/v5/types"
)

const (
	defaultMaxRequests = 32
	defaultRetries     = 5
	defaultRetryDelay  = time.Second
)

// Options configure a [Client]. The zero value is good.
type Options struct {
	// MaxRequests is how many requests are in flight per registry at most; how
	// many are, depends on how it answers. 32 if less than or equal to 0. With 1,
	// a registry that is copied to itself has 2, a read and a write.
	MaxRequests int
	// Rates bounds the requests a second to a registry, by its name as the user
	// writes it, "docker.io", "q.io:5000".
	Rates map[string]float64
	// Retries is how often a request is repeated after its first failure. 5 if 0,
	// none if less.
	Retries int
	// RetryDelay is the wait before the first repetition, doubled for each
	// further one up to 30 seconds. 1 second if 0.
	RetryDelay time.Duration
	// ReadOnly promises that nothing will be written, so that no token has to
	// allow it.
	ReadOnly bool
	// UserAgent is sent with every request; Go's own if empty.
	UserAgent string
	// System says where registries.conf, certs.d and the credentials files are,
	// and how TLS is spoken. Nil: where they usually are.
	System *types.SystemContext
}

func (o Options) withDefaults() Options {
	if o.MaxRequests <= 0 {
		o.MaxRequests = defaultMaxRequests
	}
	if o.Retries == 0 {
		o.Retries = defaultRetries
	}
	if o.RetryDelay == 0 {
		o.RetryDelay = defaultRetryDelay
	}
	return o
}

// Client reaches all registries of a run. It is safe for concurrent use.
type Client struct {
	options Options
	wait    func(context.Context, time.Duration) error // tests replace it
	stall   time.Duration                              // the same

	mu           sync.Mutex
	hosts        map[hostKey]*host
	traffic      map[string]*traffic
	repositories map[repositoryKey]*Repository
}

// NewClient makes a client; it connects to nothing yet.
func NewClient(o Options) *Client {
	return &Client{
		options:      o.withDefaults(),
		wait:         wait,
		stall:        defaultStall,
		hosts:        map[hostKey]*host{},
		traffic:      map[string]*traffic{},
		repositories: map[repositoryKey]*Repository{},
	}
}

// Close drops the connections that are not in use.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts {
		h.early.Load().close()
		h.http.CloseIdleConnections()
	}
}

// Requests is the number of requests sent so far by registry, as the user names
// it ("docker.io", "q.io:5000"): also those for its tokens, those that were
// repeated, and those a redirect led to.
func (c *Client) Requests() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	requests := make(map[string]int64, len(c.traffic))
	for name, t := range c.traffic {
		requests[name] = t.requests.Load()
	}
	return requests
}

// wait returns after d, or with ctx's error when that ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
