package registry

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
// many are under way, when the next may start, and their count.
type traffic struct {
	reads, writes *gate
	requests      atomic.Int64
	interval      time.Duration // between requests; 0: none is kept

	mu   sync.Mutex
	next time.Time // no attempt starts before
}

// newTraffic bounds requests under way in each direction, and those a second if
// rate is not 0.
func newTraffic(limit int, rate float64) *traffic {
	t := &traffic{reads: newGate(limit), writes: newGate(limit)}
	if rate > 0 {
		t.interval = time.Duration(float64(time.Second) / rate)
	}
	return t
}

// direction is the gate for requests of a method.
func (t *traffic) direction(method string) *gate {
	if method == http.MethodGet || method == http.MethodHead {
		return t.reads
	}
	return t.writes
}

// enter waits until a request with the given method may be under way.
func (t *traffic) enter(ctx context.Context, method string) (leave func(), err error) {
	return t.direction(method).enter(ctx)
}

// observe takes note of how a request went that was sent at the given time.
func (t *traffic) observe(req *http.Request, resp *http.Response, err error, sent time.Time) {
	level, now := t.direction(req.Method), time.Now()
	timeout, timed := errors.AsType[net.Error](err)
	switch {
	case timed && timeout.Timeout() && req.Context().Err() == nil:
		level.overloaded(now)
	case err != nil:
	case resp.StatusCode == http.StatusTooManyRequests:
		level.overloaded(now)
	case level == t.writes:
		level.answered(0)
	default:
		level.answered(now.Sub(sent))
	}
	if err == nil {
		t.spend(resp.Header, now)
	}
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
