package registry

import (
	"context"
	"errors"
	"sync"
	"time"
)

// contact lets one request go first, and the others wait until it is answered:
// from that answer they know how to authenticate and whether to speak TLS, and
// a host that cannot be reached is not tried once for every image.
type contact struct {
	mu     sync.Mutex
	open   bool          // there was an answer
	first  chan struct{} // closed when the request that went first is back
	failed error         // why it was not answered
	until  time.Time     // failed holds for those that come later
}

// outage is how long a host that could not be reached is not tried again.
const outage = 10 * time.Second

// enter returns when the caller may send its request. The caller reports the
// outcome, once, which matters only when it went first.
func (c *contact) enter(ctx context.Context) (report func(error), err error) {
	for {
		c.mu.Lock()
		switch {
		case c.open:
			c.mu.Unlock()
			return func(error) {}, nil
		case c.failed != nil && time.Now().Before(c.until):
			defer c.mu.Unlock()
			return nil, c.failed
		case c.first == nil:
			c.first = make(chan struct{})
			c.mu.Unlock()
			return func(err error) { c.report(err, ctx.Err() != nil) }, nil
		}
		first := c.first
		c.mu.Unlock()
		select {
		case <-first:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *contact) report(err error, abandoned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.open = true
	}
	if failed, ok := errors.AsType[*transportError](err); ok && failed.unreachable() && !abandoned {
		c.failed, c.until = failed.ofHost(), time.Now().Add(outage)
	}
	close(c.first)
	c.first = nil
}

// made reports whether the host has ever answered.
func (c *contact) made() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// begun reports whether a request to the host has been, or is being sent.
func (c *contact) begun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open || c.first != nil || c.failed != nil
}
