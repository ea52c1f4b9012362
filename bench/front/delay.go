package front

import (
	"context"
	"net"
	"sync"
	"time"
)

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Listener counts the connections of l, makes clients wait for the handshakes
// of each, and sends at the front's rate.
func (f *Front) Listener(l net.Listener) net.Listener { return &listener{l, f} }

type listener struct {
	net.Listener
	front *Front
}

func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.front.counter.connected()
	return l.front.far(accepted), nil
}

// far makes a connection look as if its other end were far away. On loopback
// the handshakes took no time; a client notices them when its first bytes are
// not read before they would have been done.
func (f *Front) far(c net.Conn) net.Conn {
	handshakes := f.options.RoundTrip
	if f.options.TLS {
		handshakes *= 2 // TCP and TLS 1.3
	}
	return &farConn{Conn: c, ready: time.Now().Add(handshakes), pace: f.pace}
}

type farConn struct {
	net.Conn
	ready time.Time
	pace  *pace
}

func (c *farConn) Read(p []byte) (int, error) {
	wait(context.Background(), time.Until(c.ready)) // a connection has no context
	return c.Conn.Read(p)
}

// chunk is how much is sent at once where the rate is limited.
const chunk = 64 << 10

func (c *farConn) Write(p []byte) (int, error) {
	if c.pace == nil {
		return c.Conn.Write(p)
	}
	sent := 0
	for len(p) > 0 {
		part := p[:min(len(p), chunk)]
		wait(context.Background(), c.pace.take(len(part)))
		n, err := c.Conn.Write(part)
		sent += n
		if err != nil {
			return sent, err
		}
		p = p[len(part):]
	}
	return sent, nil
}

// pace is a rate that all connections of a front share.
type pace struct {
	rate int64 // bytes a second

	mu   sync.Mutex
	free time.Time // when all bytes that were taken are sent
}

func newPace(rate int64) *pace {
	if rate <= 0 {
		return nil
	}
	return &pace{rate: rate}
}

// take claims the time that n bytes need, and says how long to wait before they
// may be sent.
func (p *pace) take(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	start := p.free
	p.free = start.Add(time.Duration(int64(n) * int64(time.Second) / p.rate))
	return start.Sub(now)
}
