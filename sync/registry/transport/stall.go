package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// defaultStall is how long a body may stand still, in either direction. Heads
// have a limit of their own.
const defaultStall = 2 * time.Minute

// stallError says that a body stood still. As a timeout it is one of the network's,
// and what it interrupted is tried again.
type stallError struct{}

func (stallError) Error() string   { return "no byte has moved for too long" }
func (stallError) Timeout() bool   { return true }
func (stallError) Temporary() bool { return true }

// watched ends requests whose bodies stand still.
type watched struct {
	http.RoundTripper
	limit time.Duration
}

func (w watched) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &sentBody{ReadCloser: req.Body, timer: w.timer(cancel), limit: w.limit}
	}
	resp, err := w.RoundTripper.RoundTrip(req)
	if err != nil {
		err = stalled(ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &receivedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, timer: w.timer(cancel), limit: w.limit}
	return resp, nil
}

// timer cancels when it fires; it does not run yet.
func (w watched) timer(cancel context.CancelCauseFunc) *time.Timer {
	timer := time.AfterFunc(w.limit, func() { cancel(stallError{}) })
	timer.Stop()
	return timer
}

// stalled is err, or what caused it.
func stalled(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, stallError{}) {
		return cause
	}
	return err
}

// receivedBody must give a byte in time whenever it is asked for one.
type receivedBody struct {
	io.ReadCloser
	ctx    context.Context // the request's, whose cause a read cannot be told otherwise
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

func (b *receivedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = stalled(b.ctx, err)
	}
	return n, err
}

func (b *receivedBody) Close() error {
	err := b.ReadCloser.Close()
	b.timer.Stop()
	b.cancel(nil)
	return err
}

// sentBody must be asked for the next bytes in time after it gave some.
type sentBody struct {
	io.ReadCloser
	timer *time.Timer
	limit time.Duration
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.timer.Stop()
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		b.timer.Reset(b.limit)
	}
	return n, err
}

func (b *sentBody) Close() error {
	b.timer.Stop()
	return b.ReadCloser.Close()
}
