package transport

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"go.podman.io/image/v5/types"
)

const maxRedirects = 10

// hostKey is what tells hosts apart: requests with equal keys are authorized
// alike.
type hostKey struct {
	name     string
	access   Access
	insecure bool
	files    string // the scheme, where it is asked for files and not as a registry
}

// host is a registry as one side of a run reaches it.
type host struct {
	*pool
	name     string // as the user names it: "docker.io", "q.io:5000"
	address  string // where its API is
	access   Access
	system   *types.SystemContext
	traffic  *traffic
	requests *counter
	client   *http.Client
	contact  contact
	auth     authority

	insecure bool        // unverified HTTPS is fine, and so is HTTP
	nearby   bool        // it is on this machine, at a port of its own
	secure   atomic.Bool // a TLS handshake has succeeded
	plain    atomic.Bool // HTTP it is
}

// newHost makes the host for key. The session is locked.
func (s *Session) newHost(key hostKey) (*host, error) {
	t := s.transport
	system := systemFor(t.options.System, key.access)
	shared, err := t.pool(poolKey{key.name, key.access.CertDir, key.insecure}, system)
	if err != nil {
		return nil, err
	}
	h := &host{
		pool:     shared,
		name:     key.name,
		address:  key.name,
		access:   key.access,
		system:   system,
		insecure: key.insecure,
		traffic:  t.trafficOf(key.name),
		requests: s.counterOf(key.name),
	}
	if key.name == "docker.io" {
		h.address = "registry-1.docker.io"
	}
	h.nearby = loopback(h.address) && key.access.RegistryToken == "" // which goes with the first request
	h.client = &http.Client{
		Transport:     watched{observed{h}, t.stall},
		CheckRedirect: checkRedirect,
	}
	h.auth.init(h)
	return h, nil
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

// checkRedirect keeps credentials and bodies, which may hold some, with the host
// they are for, and what was asked for in secret a secret.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) >= maxRedirects {
		return &redirectError{fmt.Sprintf("stopped after %d redirects", maxRedirects)}
	}
	if first.Scheme == "https" && req.URL.Scheme != "https" {
		return &redirectError{fmt.Sprintf("redirected from HTTPS to %s", place(req.URL))}
	}
	if !strings.EqualFold(req.URL.Host, first.Host) {
		if req.Body != nil && req.Body != http.NoBody {
			return &redirectError{fmt.Sprintf("refusing to send what was for %s to another host, %s", first.Host, req.URL.Host)}
		}
		req.Header.Del("Authorization")
	}
	req.Header.Del("Referer") // it may be a signed link
	req.URL.User = nil        // which would be an Authorization
	return nil
}

// observed counts the requests that found a connection for the host's run, and
// notes whether that was one to the registry over TLS. Other hosts have
// connections of their own.
type observed struct{ host *host }

func (o observed) RoundTrip(req *http.Request) (*http.Response, error) {
	there := o.host.http
	if !o.host.owns(req.URL.Host) {
		var err error
		if there, err = o.host.to(req.URL.Host); err != nil {
			return nil, err
		}
	}
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		o.host.requests.Add(1)
		if req.URL.Scheme == "https" && req.URL.Host == o.host.address {
			o.host.secure.Store(true)
		}
	}}
	return there.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
}
