package transport

import (
	"context"
	"sync"
	"time"

	"go.podman.io/image/v5/types"
)

const (
	defaultMaxRequests = 32
	defaultRetries     = 5
)

// Options configure a [Transport]. The zero value is good.
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
	// RetryDelay is the wait before each repetition. If 0, that is 1 second
	// before the first, doubled for each further one up to 30 seconds.
	RetryDelay time.Duration
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
	return o
}

// Transport holds what runs may share: connections, tokens, and what each
// registry can take. It is safe for concurrent use.
type Transport struct {
	options Options
	wait    func(context.Context, time.Duration) error // tests replace it
	stall   time.Duration                              // the same

	mu      sync.Mutex
	pools   map[poolKey]*pool
	traffic map[string]*traffic
}

// New makes a transport; it connects to nothing yet.
func New(o Options) *Transport {
	return &Transport{
		options: o.withDefaults(),
		wait:    wait,
		stall:   defaultStall,
		pools:   map[poolKey]*pool{},
		traffic: map[string]*traffic{},
	}
}

// Close drops the connections that are not in use.
func (t *Transport) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pools {
		p.close()
	}
}

// Session begins a run. What is known of the registries from earlier ones is
// their connections, the tokens that are still good, and their limits.
func (t *Transport) Session() *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pools {
		p.forgetTokens()
	}
	return &Session{transport: t, hosts: map[hostKey]*host{}, requests: map[string]*counter{}}
}

// trafficOf is shared by all that reach a registry, with whatever credentials.
func (t *Transport) trafficOf(name string) *traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	shared, ok := t.traffic[name]
	if !ok {
		shared = newTraffic(t.options.MaxRequests, t.options.Rates[name])
		t.traffic[name] = shared
	}
	return shared
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
