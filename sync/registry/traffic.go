package registry

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// traffic is what all requests to one registry share, whoever sends them: how
// many are under way, until when none may start, and their count.
type traffic struct {
	reads, writes chan struct{} // an element for each request under way
	requests      atomic.Int64

	mu     sync.Mutex
	paused time.Time // no attempt starts before
}

func newTraffic(limit int) *traffic {
	return &traffic{reads: make(chan struct{}, limit), writes: make(chan struct{}, limit)}
}

// enter waits until a request with the given method may be under way. The
// caller calls leave when it no longer is; further calls of leave do nothing.
func (t *traffic) enter(ctx context.Context, method string) (leave func(), err error) {
	direction := t.writes
	if method == http.MethodGet || method == http.MethodHead {
		direction = t.reads
	}
	select {
	case direction <- struct{}{}:
		return sync.OnceFunc(func() { <-direction }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pause keeps attempts from starting for d.
func (t *traffic) pause(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(d); until.After(t.paused) {
		t.paused = until
	}
}

// remaining is how long no attempt may start.
func (t *traffic) remaining() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.paused)
}

// heldBody keeps its request under way until it is closed.
type heldBody struct {
	io.ReadCloser
	leave func()
}

func (b *heldBody) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}
