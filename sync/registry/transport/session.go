package transport

import (
	"sync"
	"sync/atomic"

	"go.podman.io/image/v5/types"
)

// Session is a transport as one run uses it: the run counts its own requests,
// looks up credentials itself, and what a host refused or failed to do in one
// run is tried again in the next. It is safe for concurrent use.
type Session struct {
	transport *Transport

	mu       sync.Mutex
	hosts    map[hostKey]*host
	requests map[string]*counter
}

// counter is the number of requests to a registry.
type counter struct{ atomic.Int64 }

// Route says which repository is meant, and how it is reached.
type Route struct {
	// Registry is its name as the user writes it, "docker.io" or "q.io:5000".
	Registry string
	// Repository is its path in the registry's API, "library/redis"; empty for the
	// registry itself.
	Repository string
	Access     Access
	// Insecure allows unverified HTTPS, and HTTP.
	Insecure bool
	// Proxied is the registry that a proxy of many is asked for, or empty.
	Proxied string
}

// Endpoint is where a route leads. Certificates that cannot be loaded are an
// error; nothing is connected yet.
func (s *Session) Endpoint(r Route) (*Endpoint, error) {
	h, err := s.host(hostKey{name: r.Registry, access: r.Access, insecure: r.Insecure})
	if err != nil {
		return nil, err
	}
	return &Endpoint{host: h, path: r.Repository, proxied: r.Proxied}, nil
}

// Requests is the number of requests that the session has sent so far by
// registry, as the user names it ("docker.io", "q.io:5000"): also those for its
// tokens, those that were repeated, and those a redirect led to.
func (s *Session) Requests() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make(map[string]int64, len(s.requests))
	for name, c := range s.requests {
		requests[name] = c.Load()
	}
	return requests
}

// System is the configuration that the transport was made with.
func (s *Session) System() *types.SystemContext { return s.transport.options.System }

// host is the one for key, made when it is first asked for.
func (s *Session) host(key hostKey) (*host, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.hosts[key]; ok {
		return h, nil
	}
	h, err := s.newHost(key)
	if err == nil {
		s.hosts[key] = h
	}
	return h, err
}

// counterOf is shared by all hosts of a name. The session is locked.
func (s *Session) counterOf(name string) *counter {
	c, ok := s.requests[name]
	if !ok {
		c = &counter{}
		s.requests[name] = c
	}
	return c
}
