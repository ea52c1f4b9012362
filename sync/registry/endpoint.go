package registry

import (
	"context"
	"fmt"
	"net/http"

	"go.podman.io/image/v5/docker/reference"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

const (
	maxManifest = 4 << 20  // bytes, as the distribution specification recommends
	maxListing  = 32 << 20 // bytes of a page of tags, repositories or referrers
	maxPages    = 10_000
	maxNames    = 1_000_000 // of tags or repositories, in all pages
	// maxManifests bounds those that Google's registries tell of with a list of
	// tags.
	maxManifests = 250_000
	maxListed    = 10_000 // referrers of one manifest
)

// endpoint is a place where a repository can be reached.
type endpoint struct {
	*transport.Endpoint
	found  *found
	oras   *remote.Repository // lists, and enters referrers
	writes bool               // what is read is about to be written, so that one token does for both
}

// newEndpoint is where route leads.
func (c *Client) newEndpoint(route transport.Route) (*endpoint, error) {
	at, err := c.session.Endpoint(route)
	if err != nil {
		return nil, err
	}
	e := &endpoint{Endpoint: at, found: c.found(route.Registry)}
	e.oras = &remote.Repository{
		Client:               e,
		Reference:            e.reference(),
		ReferrerListMaxPages: maxPages,
		MaxMetadataBytes:     maxListing,
		SkipReferrersGC:      true, // deleting needs rights that pushing does not
	}
	return e, nil
}

// route leads to a repository at the registry of its name.
func route(name reference.Named, a transport.Access, insecure bool) transport.Route {
	return transport.Route{Registry: reference.Domain(name), Repository: reference.Path(name), Access: a, Insecure: insecure}
}

// reference is the repository for oras-go.
func (e *endpoint) reference() orasregistry.Reference {
	return orasregistry.Reference{Registry: e.Address(), Repository: e.Path()}
}

// reading says that the requests of ctx read from the repository.
func (e *endpoint) reading(ctx context.Context) context.Context {
	if e.writes {
		return e.writing(ctx)
	}
	return e.scoped(ctx, auth.ActionPull)
}

// writing says that the requests of ctx write to the repository.
func (e *endpoint) writing(ctx context.Context) context.Context {
	return e.scoped(ctx, auth.ActionPull, auth.ActionPush)
}

// scoped says which actions on the repository the requests of ctx need.
func (e *endpoint) scoped(ctx context.Context, actions ...string) context.Context {
	return auth.AppendRepositoryScope(ctx, e.reference(), actions...)
}

// Do makes endpoint the client of oras-go: the answer has been read.
func (e *endpoint) Do(req *http.Request) (*http.Response, error) { return e.Send(req, maxListing) }

// absent reports whether err is that something is not there.
func absent(err error) bool { return transport.Status(err) == http.StatusNotFound }

// unsupported is a failure of an answer that the protocol does not allow.
func unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, fmt.Errorf(format, args...))
}

// mismatch is a failure of content that is not what it should be.
func mismatch(format string, args ...any) error {
	return fault.New(fault.DigestMismatch, fmt.Errorf(format, args...))
}
