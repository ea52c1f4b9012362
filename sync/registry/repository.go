package registry

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/pkg/sysregistriesv2"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/log"
	"csync/sync/registry/transport"
)

// Repository is a repository at a registry. It is safe for concurrent use.
type Repository struct {
	name     reference.Named
	byTag    []*endpoint // to read from, in this order; the registry itself is last
	byDigest []*endpoint
	primary  *endpoint
	listed   atomic.Pointer[listedTags] // what the last list of tags told
}

type repositoryKey struct {
	name   string
	access transport.Access
	writes bool
}

// Source is a repository to read from. It is looked for where registries.conf
// says: at mirrors first, at the location that replaces the name's own. The same
// arguments give the same Repository.
func (c *Client) Source(name reference.Named, a transport.Access) (*Repository, error) {
	return c.repository(repositoryKey{name.Name(), a, false}, reference.TrimNamed(name), c.sources)
}

// Destination is a repository to write to: at the registry of its name, which
// registries.conf may block or call insecure, but not replace, as for every
// push with podman and skopeo. The same arguments give the same Repository.
func (c *Client) Destination(name reference.Named, a transport.Access) (*Repository, error) {
	return c.repository(repositoryKey{name.Name(), a, true}, reference.TrimNamed(name), c.destination)
}

type locate func(name reference.Named, a transport.Access) (*Repository, error)

func (c *Client) repository(key repositoryKey, name reference.Named, find locate) (*Repository, error) {
	c.mu.Lock()
	r, ok := c.repositories[key]
	c.mu.Unlock()
	if ok {
		return r, nil
	}
	r, err := find(name, key.access)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, ok := c.repositories[key]; ok {
		return other, nil
	}
	c.repositories[key] = r
	return r, nil
}

// Name is the repository as the user names it.
func (r *Repository) Name() reference.Named { return r.name }

// Registry is the registry of the name, "docker.io" or "q.io:5000".
func (r *Repository) Registry() string { return reference.Domain(r.name) }

// Connect begins to connect to the registry, as [transport.Endpoint.Connect] does.
func (r *Repository) Connect(ctx context.Context) { r.primary.Connect(ctx) }

// SameRegistry reports whether both are at the same registry, so that blobs may
// be mounted from one to the other.
func (r *Repository) SameRegistry(o *Repository) bool {
	return r.primary.Registry() == o.primary.Registry()
}

// Same reports whether both are the same repository, however they are reached.
func (r *Repository) Same(o *Repository) bool {
	return r.SameRegistry(o) && r.primary.Path() == o.primary.Path()
}

func (c *Client) destination(name reference.Named, a transport.Access) (*Repository, error) {
	found, err := c.configured(name.Name())
	if err != nil {
		return nil, err
	}
	r, err := c.itself(name, a, found.Insecure)
	if err == nil {
		r.primary.writes = !c.options.ReadOnly
		r.primary.ExpectWrites()
	}
	return r, err
}

// itself is the repository at the registry of its name.
func (c *Client) itself(name reference.Named, a transport.Access, configured bool) (*Repository, error) {
	e, err := c.newEndpoint(route(name, a, insecure(a, configured)))
	if err != nil {
		return nil, err
	}
	only := []*endpoint{e}
	return &Repository{name: name, byTag: only, byDigest: only, primary: e}, nil
}

func (c *Client) sources(name reference.Named, a transport.Access) (*Repository, error) {
	found, err := c.configured(name.Name())
	if err != nil {
		return nil, err
	}
	if found.Prefix == "" { // nothing says otherwise
		return c.itself(name, a, false)
	}
	digested, err := reference.WithDigest(name, digest.Canonical.FromBytes(nil))
	if err != nil {
		return nil, fault.New(fault.Input, err)
	}
	r := &Repository{name: name}
	if r.byTag, err = c.endpoints(found, name, a); err != nil {
		return nil, err
	}
	if r.byDigest, err = c.endpoints(found, digested, a); err != nil {
		return nil, err
	}
	r.primary = r.byTag[len(r.byTag)-1]
	return r, nil
}

// endpoints are where registries.conf wants name to be read from.
func (c *Client) endpoints(found sysregistriesv2.Registry, name reference.Named, a transport.Access) ([]*endpoint, error) {
	sources, err := found.PullSourcesFromReference(name)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("finding mirrors of %s: %w", name.Name(), err))
	}
	var endpoints []*endpoint
	for _, source := range sources {
		domain, access := reference.Domain(source.Reference), a
		if domain != reference.Domain(name) {
			access = a.Elsewhere()
		}
		to := route(source.Reference, access, insecure(a, source.Endpoint.Insecure))
		to.Proxied = source.Endpoint.NamespaceProxy
		e, err := c.newEndpoint(to)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, e)
	}
	return endpoints, nil
}

// configured is what registries.conf says about name, which may be nothing.
func (c *Client) configured(name string) (sysregistriesv2.Registry, error) {
	found, err := sysregistriesv2.FindRegistry(c.session.System(), name)
	if err != nil {
		return sysregistriesv2.Registry{}, fault.New(fault.Input, fmt.Errorf("loading registries.conf: %w", err))
	}
	if found == nil {
		return sysregistriesv2.Registry{}, nil
	}
	if found.Blocked {
		return *found, fault.New(fault.Policy, fmt.Errorf("registry %s is blocked in %s", found.Prefix,
			sysregistriesv2.ConfigurationSourceDescription(c.session.System())))
	}
	return *found, nil
}

// insecure is what the side says, else what registries.conf does.
func insecure(a transport.Access, configured bool) bool {
	if a.TLSVerify != types.OptionalBoolUndefined {
		return a.TLSVerify == types.OptionalBoolFalse
	}
	return configured
}

// read asks one endpoint after another until one has an answer. The error is
// that of the registry itself.
func read[V any](ctx context.Context, endpoints []*endpoint, ask func(*endpoint) (V, error)) (V, error) {
	for _, mirror := range endpoints[:len(endpoints)-1] {
		value, err := ask(mirror)
		if err == nil || ctx.Err() != nil {
			return value, err
		}
		log.From(ctx).WithError(err).Debugf("mirror %s does not have it", mirror.Name())
	}
	return ask(endpoints[len(endpoints)-1])
}

// readersOf are the endpoints to ask for ref, a tag or a digest.
func (r *Repository) readersOf(ref string) []*endpoint {
	if _, err := digest.Parse(ref); err == nil {
		return r.byDigest
	}
	return r.byTag
}
