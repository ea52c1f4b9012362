package registry

import (
	"sync"
	"sync/atomic"

	"csync/sync/registry/transport"
)

// Options configure a [Client]. The zero value is good.
type Options struct {
	// ReadOnly promises that nothing will be written, so that no token has to
	// allow it.
	ReadOnly bool
}

// Client reaches all registries of one run. It is safe for concurrent use.
type Client struct {
	options Options
	session *transport.Session

	mu           sync.Mutex
	repositories map[repositoryKey]*Repository
	registries   map[string]*found
}

// found is what the run has found out about a registry.
type found struct {
	single  single      // whether it takes a blob in one request
	notQuay atomic.Bool // Quay's API does not answer
}

// NewClient makes a client for a run, over a transport that others may use as
// well; it connects to nothing yet.
func NewClient(t *transport.Transport, o Options) *Client {
	return &Client{
		options:      o,
		session:      t.Session(),
		repositories: map[repositoryKey]*Repository{},
		registries:   map[string]*found{},
	}
}

// Requests is the number of requests sent so far by registry, as the user names
// it ("docker.io", "q.io:5000"): also those for its tokens, those that were
// repeated, and those a redirect led to. Other clients' are not among them.
func (c *Client) Requests() map[string]int64 { return c.session.Requests() }

// found is what is known of a registry, however it is reached.
func (c *Client) found(name string) *found {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.registries[name]
	if !ok {
		f = &found{}
		c.registries[name] = f
	}
	return f
}
