package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// traffic is what all requests to one registry share, whoever sends them: how
// many are under way, and when the next may start.
type traffic struct {
	limit    int // of requests under way
	all      *gate
	written  atomic.Bool   // the registry is a destination
	interval time.Duration // between requests; 0: none is kept

	mu      sync.Mutex
	streams *gate     // for open blobs, where they must leave room for writes; nil: they need not
	next    time.Time // no attempt starts before
	limited float64   // the share of 429 among the last answers
}

// An answer of 429 is meant for the request that had it, as long as it is alone:
// some registries give one now and then. Many are a wave, and meant for all.
const (
	lastAnswers = 16   // that count for the share, about
	waveShare   = 0.15 // of them: three in close succession
)

// newTraffic bounds requests under way, and those a second if rate is not 0.
func newTraffic(limit int, rate float64) *traffic {
	t := &traffic{limit: limit, all: newGate(limit)}
	if rate > 0 {
		t.interval = time.Duration(float64(time.Second) / rate)
	}
	return t
}

// enter waits until a request may be under way.
func (t *traffic) enter(ctx context.Context) (leave func(), err error) { return t.all.enter(ctx) }

// enterStream is enter for a request that is under way until somebody has read
// its answer. That may be an upload to the same registry, which must get its
// turn even if all that may be read at the same time is: so they share the limit.
func (t *traffic) enterStream(ctx context.Context) (leave func(), err error) {
	if !t.written.Load() {
		return t.all.enter(ctx)
	}
	t.mu.Lock()
	if t.streams == nil {
		t.streams = newGate(max(t.limit/2, 1))
		t.all.restrict(max(t.limit-t.limit/2, 1))
	}
	streams := t.streams
	t.mu.Unlock()
	return streams.enter(ctx)
}

// gates are all that there are.
func (t *traffic) gates() []*gate {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams == nil {
		return []*gate{t.all}
	}
	return []*gate{t.all, t.streams}
}

// observe takes note of how a request went that was sent at the given time.
func (t *traffic) observe(req *http.Request, resp *http.Response, err error, sent time.Time) {
	now := time.Now()
	timeout, timed := errors.AsType[net.Error](err)
	t.count(resp)
	for _, gate := range t.gates() {
		switch {
		case timed && timeout.Timeout() && req.Context().Err() == nil:
			gate.overloaded(now)
		case err != nil:
		case resp.StatusCode == http.StatusTooManyRequests:
			if t.wave() {
				gate.overloaded(now)
			}
		case req.Method != http.MethodGet && req.Method != http.MethodHead:
			gate.answered(0) // a body was on its way
		default:
			gate.answered(now.Sub(sent))
		}
	}
	if err == nil {
		t.spend(resp.Header, now)
	}
}

// count takes note of whether an answer, if there is one, is 429.
func (t *traffic) count(resp *http.Response) {
	if resp == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limited -= t.limited / lastAnswers
	if resp.StatusCode == http.StatusTooManyRequests {
		t.limited += 1. / lastAnswers
	}
}

// wave reports whether so many of the last answers are 429 that all requests are
// too many, not one.
func (t *traffic) wave() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limited > waveShare
}

// spend holds everything back while the registry says that nothing is left of
// what it allows (RateLimit header fields for HTTP, draft 6).
func (t *traffic) spend(header http.Header, now time.Time) {
	remaining, _, _ := strings.Cut(header.Get("RateLimit-Remaining"), ";")
	if strings.TrimSpace(remaining) != "0" {
		return
	}
	if reset, ok := retryAfter(header.Get("RateLimit-Reset"), now); ok {
		t.pause(reset)
	}
}

// pause keeps attempts from starting for d.
func (t *traffic) pause(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(d); until.After(t.next) {
		t.next = until
	}
}

// turn is how long an attempt has to wait, which takes the next turn.
func (t *traffic) turn() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	start := now
	if t.next.After(now) {
		start = t.next
	}
	if t.interval > 0 {
		t.next = start.Add(t.interval)
	}
	return start.Sub(now)
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
