package transport

import (
	"context"
	"sync"
	"time"
)

// trial lets one request go first, and the others wait until it is known how
// that went. The zero value is ready.
type trial struct {
	mu     sync.Mutex
	passed bool
	first  chan struct{} // closed when the request that went first is back
	failed error         // what those that come later are told
	until  time.Time     // failed holds so long; the zero time: for good
}

// verdict is how a trial went. With the zero value the next request is the one
// that goes first.
type verdict struct {
	passed bool
	failed error
	until  time.Time
}

// enter returns when the caller may send its request, or with the error of one
// that failed for all. The caller calls settle, once.
func (t *trial) enter(ctx context.Context) (settle func(verdict), err error) {
	for {
		t.mu.Lock()
		switch {
		case t.passed:
			t.mu.Unlock()
			return func(verdict) {}, nil
		case t.failed != nil && (t.until.IsZero() || time.Now().Before(t.until)):
			defer t.mu.Unlock()
			return nil, t.failed
		case t.first == nil:
			t.first = make(chan struct{})
			t.mu.Unlock()
			return t.settle, nil
		}
		first := t.first
		t.mu.Unlock()
		select {
		case <-first:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *trial) settle(v verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.passed, t.failed, t.until = v.passed, v.failed, v.until
	close(t.first)
	t.first = nil
}

// made reports whether the trial was passed.
func (t *trial) made() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passed
}

// begun reports whether a request has gone first.
func (t *trial) begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passed || t.first != nil || t.failed != nil
}
