package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
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
	maxRedirects  = 10
	quickTries    = 2 // further dials of a port that refuses
)

// hostKey is what tells connections apart: requests with equal keys share them.
type hostKey struct {
	name     string
	access   Access
	insecure bool
}

// host is a registry as one side reaches it: connections and authentication.
type host struct {
	client  *Client
	name    string // as the user names it: "docker.io", "q.io:5000"
	address string // where its API is
	access  Access
	system  *types.SystemContext
	traffic *traffic
	http    *http.Client
	contact contact
	single  single
	early   atomic.Pointer[early]
	auth    authority

	insecure bool        // unverified HTTPS is fine, and so is HTTP
	nearby   bool        // it is on this machine, at a port of its own
	secure   atomic.Bool // a TLS handshake has succeeded
	plain    atomic.Bool // HTTP it is
	notQuay  atomic.Bool // Quay's API does not answer
}

// host is the one for key, made when it is first asked for.
func (c *Client) host(key hostKey) (*host, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.hosts[key]; ok {
		return h, nil
	}
	h := &host{
		client:   c,
		name:     key.name,
		address:  key.name,
		access:   key.access,
		system:   systemFor(c.options.System, key.access),
		insecure: key.insecure,
		traffic:  c.trafficOf(key.name),
	}
	if key.name == "docker.io" {
		h.address = "registry-1.docker.io"
	}
	h.nearby = loopback(h.address) && key.access.RegistryToken == "" // which goes with the first request
	config, err := tlsConfig(h.system, key.name)
	if err != nil {
		return nil, err
	}
	config.InsecureSkipVerify = key.insecure
	h.http = &http.Client{
		Transport:     watched{observed{h.transport(config), h}, c.stall},
		CheckRedirect: checkRedirect,
	}
	h.auth.init(h)
	c.hosts[key] = h
	return h, nil
}

// trafficOf is shared by all that reach a registry, with whatever credentials.
func (c *Client) trafficOf(name string) *traffic {
	t, ok := c.traffic[name]
	if !ok {
		t = newTraffic(c.options.MaxRequests, c.options.Rates[name])
		c.traffic[name] = t
	}
	return t
}

// systemFor is the configuration with what a side replaces in it.
func systemFor(system *types.SystemContext, a Access) *types.SystemContext {
	changed := types.SystemContext{}
	if system != nil {
		changed = *system
	}
	if a.CertDir != "" {
		changed.DockerCertPath = a.CertDir
	}
	if a.AuthFile != "" {
		changed.AuthFilePath = a.AuthFile
	}
	return &changed
}

func (h *host) transport(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           h.dial,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   handshakeTimeout,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   h.client.options.MaxRequests,
		MaxConnsPerHost:       max(h.client.options.MaxRequests, 2), // a blob may be read and written
		DisableCompression:    true,                                 // digests are of what is sent
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingInterval, PingTimeout: pingInterval},
	}
}

func newDialer() *net.Dialer { return &net.Dialer{Timeout: dialTimeout, KeepAlive: dialTimeout} }

// dial connects, and tries again for a moment where a port refuses or a name
// server is too busy: a registry may just be starting.
func (h *host) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := h.early.Load().take(ctx, address)
	for try := 0; ; try++ {
		if connection == nil && err == nil || try > 0 {
			connection, err = newDialer().DialContext(ctx, network, address)
		}
		dns, unresolved := errors.AsType[*net.DNSError](err)
		again := errors.Is(err, syscall.ECONNREFUSED) || unresolved && dns.IsTemporary
		if !again || try == quickTries {
			return connection, err
		}
		if waitErr := h.pauseBefore(ctx, try); waitErr != nil {
			return nil, err
		}
	}
}

// checkRedirect keeps credentials with the host they are for, and what was
// asked for in secret a secret.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) >= maxRedirects {
		return &redirectError{fmt.Sprintf("stopped after %d redirects", maxRedirects)}
	}
	if first.Scheme == "https" && req.URL.Scheme != "https" {
		return &redirectError{fmt.Sprintf("redirected from HTTPS to %s", place(req.URL))}
	}
	if !strings.EqualFold(req.URL.Host, first.Host) {
		req.Header.Del("Authorization")
	}
	return nil
}

// observed counts the requests that found a connection, and notes whether that
// was one to the registry over TLS.
type observed struct {
	*http.Transport
	host *host
}

func (o observed) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		o.host.traffic.requests.Add(1)
		if req.URL.Scheme == "https" && req.URL.Host == o.host.address {
			o.host.secure.Store(true)
		}
	}}
	return o.Transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
}
