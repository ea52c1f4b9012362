package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.podman.io/image/v5/types"
)

const (
	dialTimeout      = 30 * time.Second
	handshakeTimeout = 10 * time.Second
	// answerTimeout is from the end of a request to the head of its answer; a
	// registry may have gigabytes to store in between.
	answerTimeout = 5 * time.Minute
	idleTimeout   = 90 * time.Second
	pingInterval  = 30 * time.Second // of HTTP/2, on a connection that is silent
	quickTries    = 2                // further dials of a port that refuses
)

// poolKey is what tells connections apart: requests with equal keys share them.
type poolKey struct {
	name, certDir string
	insecure      bool
}

// pool is what runs share of a registry that is reached in one way: its
// connections, and the tokens that it takes.
type pool struct {
	transport *Transport
	http      *http.Transport
	early     atomic.Pointer[early]

	mu     sync.Mutex
	tokens map[tokenKey]*tokenSlot
	others map[elsewhere]*http.Transport // to hosts that the registry leads to
}

// pool is the one for key, made when it is first asked for. Certificates are
// those of that moment.
func (t *Transport) pool(key poolKey, system *types.SystemContext) (*pool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.pools[key]; ok {
		return p, nil
	}
	config, err := tlsConfig(system, key.name)
	if err != nil {
		return nil, err
	}
	config.InsecureSkipVerify = key.insecure
	p := &pool{transport: t, tokens: map[tokenKey]*tokenSlot{}, others: map[elsewhere]*http.Transport{}}
	p.http = p.newHTTP(config)
	t.pools[key] = p
	return p, nil
}

func (p *pool) newHTTP(config *tls.Config) *http.Transport {
	most := p.transport.options.MaxRequests
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           p.dial,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   handshakeTimeout,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   most,
		MaxConnsPerHost:       max(most, 2), // a blob may be read and written
		DisableCompression:    true,         // digests are of what is sent
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingInterval, PingTimeout: pingInterval},
	}
}

func newDialer() *net.Dialer { return &net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout} }

// dial connects, and tries again for a moment where a port refuses or a name
// server is too busy: a registry may just be starting.
func (p *pool) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := p.early.Load().take(ctx, address)
	for try := 0; ; try++ {
		if connection == nil && err == nil || try > 0 {
			connection, err = newDialer().DialContext(ctx, network, address)
		}
		dns, unresolved := errors.AsType[*net.DNSError](err)
		again := errors.Is(err, syscall.ECONNREFUSED) || unresolved && dns.IsTemporary
		if !again || try == quickTries {
			return connection, err
		}
		if waitErr := p.transport.pauseBefore(ctx, try); waitErr != nil {
			return nil, err
		}
	}
}

// close drops the connections that are not in use.
func (p *pool) close() {
	p.early.Load().close()
	p.http.CloseIdleConnections()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, there := range p.others {
		there.CloseIdleConnections()
	}
}
