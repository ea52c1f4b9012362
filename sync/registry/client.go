package registry

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	"csync/sync/fault"
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
	// keepsTags says that it has refused to delete a tag.
	keepsTags atomic.Bool
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

// Fetch reads what a URL of HTTP or HTTPS leads to that is none of a registry's
// API, a signature's say, of at most limit bytes. Its host is reached as a
// registry of that name would be, with its certificates, as insecurely as
// registries.conf allows, within the same limits, and counted with the others;
// but it is shown no credentials. What is not there is a failure of the kind
// not-found.
func (c *Client) Fetch(ctx context.Context, u *url.URL, limit int64) ([]byte, error) {
	configured, err := c.configured(u.Host)
	if err != nil {
		return nil, err
	}
	return c.session.Fetch(ctx, u, configured.Insecure, limit)
}

// API is a registry as APIs of its own are written to, which stand beside that of
// the distribution specification: Quay's. There is none to a client that only
// reads.
func (c *Client) API(name string, a transport.Access) (*transport.Endpoint, error) {
	if c.options.ReadOnly {
		return nil, fault.New(fault.Internal, fmt.Errorf("reaching the API of %s: it is not to be written to", name))
	}
	configured, err := c.configured(name)
	if err != nil {
		return nil, err
	}
	return c.session.Endpoint(transport.Route{Registry: name, Access: a, Insecure: insecure(a, configured.Insecure)})
}

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
