package transport

import (
	"context"
	"sync"
)

// flight runs a function once for all who want its result at the same time.
// The zero value is ready.
type flight[V any] struct {
	mu      sync.Mutex
	running *result[V]
}

type result[V any] struct {
	done      chan struct{}
	value     V
	err       error
	abandoned bool // err is that the caller of fn gave up
}

// do runs fn, or waits for the one that runs. Where that one failed because
// its own caller was cancelled, the others try again.
func (f *flight[V]) do(ctx context.Context, fn func() (V, error)) (V, error) {
	for {
		f.mu.Lock()
		r := f.running
		if r == nil {
			r = &result[V]{done: make(chan struct{})}
			f.running = r
			f.mu.Unlock()
			return f.lead(ctx, r, fn)
		}
		f.mu.Unlock()
		select {
		case <-r.done:
		case <-ctx.Done():
			var none V
			return none, ctx.Err()
		}
		if !r.abandoned {
			return r.value, r.err
		}
	}
}

func (f *flight[V]) lead(ctx context.Context, r *result[V], fn func() (V, error)) (V, error) {
	defer func() {
		f.mu.Lock()
		f.running = nil
		f.mu.Unlock()
		close(r.done)
	}()
	r.value, r.err = fn()
	r.abandoned = r.err != nil && ctx.Err() != nil
	return r.value, r.err
}
