package front

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// Options says how far away a registry looks, and what it asks for.
type Options struct {
	// RoundTrip is what a request costs: half before it arrives, half before
	// its answer does. A new connection costs one more, or two with TLS.
	RoundTrip time.Duration
	// TLS says that connections pay for a TLS handshake.
	TLS bool
	// Tokens asks for bearer tokens that name repository and action, as
	// distribution's "Token Authentication Specification" has it.
	Tokens bool
	// Bulk lists digests with tags, as Google's registries do.
	Bulk bool
	// Rate limits all that is sent to clients, in bytes a second; 0 is unlimited.
	Rate int64
	// InFlight is how many requests are under way at most; others wait for
	// their turn before they set out, as in a client with that limit. 0 is
	// unlimited.
	InFlight int
}

// Front is a handler that delays and counts requests for another one.
type Front struct {
	content http.Handler
	options Options
	counter counter
	pace    *pace
	turns   chan struct{} // an element for each request under way; nil is unlimited
}

// New puts a front before content.
func New(content http.Handler, o Options) *Front {
	if o.Bulk {
		content = &bulk{content: content}
	}
	f := &Front{content: content, options: o, pace: newPace(o.Rate)}
	if o.InFlight > 0 {
		f.turns = make(chan struct{}, o.InFlight)
	}
	f.counter.reset()
	return f
}

// Counts is what was seen since the start or the last Reset.
func (f *Front) Counts() Counts { return f.counter.snapshot() }

// Reset starts counting again.
func (f *Front) Reset() { f.counter.reset() }

// ServeHTTP answers a request after a round trip.
func (f *Front) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if f.turns != nil {
		f.turns <- struct{}{}
		defer func() { <-f.turns }()
	}
	f.counter.began()
	half := f.options.RoundTrip / 2
	wait(req.Context(), half)
	a := &answer{ResponseWriter: w, ctx: req.Context(), delay: half}
	body := &countedBody{ReadCloser: req.Body}
	req.Body = body
	defer func() {
		a.begin(http.StatusOK)
		var read, written int64
		if strings.Contains(req.URL.Path, "/blobs/") {
			read, written = a.sent, body.received
		}
		f.counter.ended(kindOf(req, a.status), read, written)
	}()
	if !f.options.Tokens || admit(a, req) {
		f.content.ServeHTTP(a, req)
	}
}

// answer is held back for delay before its first byte.
type answer struct {
	http.ResponseWriter
	ctx    context.Context
	delay  time.Duration
	status int // 0 until it began
	sent   int64
}

// Unwrap lets http.ResponseController flush.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) begin(status int) {
	if a.status == 0 {
		a.status = status
		wait(a.ctx, a.delay)
	}
}

func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	n, err := a.ResponseWriter.Write(p)
	a.sent += int64(n)
	return n, err
}

type countedBody struct {
	io.ReadCloser
	received int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	return n, err
}
