package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"go.podman.io/image/v5/docker/reference"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	maxManifest = 4 << 20  // bytes, as the distribution specification recommends
	maxListing  = 32 << 20 // bytes of a page of tags, repositories or referrers
	maxPages    = 10_000
	maxNames    = 1_000_000 // of tags or repositories, in all pages
	maxListed   = 10_000    // referrers of one manifest
)

// endpoint is a place where a repository can be reached.
type endpoint struct {
	host      *host
	path      string // of the repository in the API, "library/redis"
	proxied   string // the registry that a proxy of many is asked for, or ""
	reference orasregistry.Reference
	oras      *remote.Repository // lists, and enters referrers
	writes    bool               // what is read is about to be written, so that one token does for both
}

// newEndpoint is where name is, reached as key says.
func (c *Client) newEndpoint(name reference.Named, key hostKey, proxied string) (*endpoint, error) {
	h, err := c.host(key)
	if err != nil {
		return nil, err
	}
	e := &endpoint{host: h, path: reference.Path(name), proxied: proxied}
	e.reference = orasregistry.Reference{Registry: h.address, Repository: e.path}
	e.oras = &remote.Repository{
		Client:               e,
		Reference:            e.reference,
		ReferrerListMaxPages: maxPages,
		MaxMetadataBytes:     maxListing,
		SkipReferrersGC:      true, // deleting needs rights that pushing does not
	}
	return e, nil
}

// name is the repository as credentials know it.
func (e *endpoint) name() string {
	if e.path == "" {
		return e.host.name
	}
	return e.host.name + "/" + e.path
}

// request makes a request of the API, for the resource of the repository.
func (e *endpoint) request(ctx context.Context, method, resource string, body io.Reader) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, "https://"+e.host.address+"/v2/"+e.path+"/"+resource, body)
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
	return auth.AppendRepositoryScope(ctx, e.reference, actions...)
}

// Do makes endpoint the client of oras-go: the answer has been read.
func (e *endpoint) Do(req *http.Request) (*http.Response, error) { return e.do(req, maxListing) }

// do sends req and reads its answer, which may have at most limit bytes; an
// answer that breaks off is one that did not come. Statuses of 400 and more are
// errors.
func (e *endpoint) do(req *http.Request, limit int64) (*http.Response, error) {
	leave, err := e.host.traffic.enter(req.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	return refused(e.host.persist(req, whole(e.exchange, limit)))
}

// once is do without repetitions.
func (e *endpoint) once(req *http.Request, limit int64) (*http.Response, error) {
	leave, err := e.host.traffic.enter(req.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	return refused(e.host.repeat(req, whole(e.exchange, limit), 0))
}

// stream sends req; the request is under way until the answer's body is closed.
func (e *endpoint) stream(req *http.Request) (*http.Response, error) {
	leave, err := e.host.traffic.enterStream(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := refused(e.host.persist(req, e.exchange))
	if err != nil {
		leave()
		return nil, err
	}
	resp.Body = &heldBody{resp.Body, leave}
	return resp, nil
}

// maxExchanges is how often a request is sent to be let in: without a token, with
// one, and with one for more.
const maxExchanges = 3

// exchange sends req authorized, again if the host then asks for authorization
// that can be had.
func (e *endpoint) exchange(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	scopes := auth.GetAllScopesForHost(ctx, e.host.address)
	report, err := e.host.contact.enter(ctx)
	if err != nil {
		return nil, err
	}
	for exchanges := 1; ; exchanges++ {
		sent := time.Now()
		g, resp, err := e.attempt(req, scopes)
		if exchanges == 1 {
			report(err)
		}
		if err != nil {
			return nil, err
		}
		more, again := e.host.auth.reconsider(ctx, resp, g, attempt{scopes, sent})
		if !again || exchanges == maxExchanges || exchanges > 1 && g.header == "" {
			return resp, nil
		}
		next := replay(req)
		if next == nil {
			return resp, nil
		}
		drain(resp.Body)
		req, scopes = next, more
	}
}

func (e *endpoint) attempt(req *http.Request, scopes []string) (grant, *http.Response, error) {
	g, err := e.host.auth.authorize(req.Context(), e.name(), scopes)
	if err != nil {
		return g, nil, err
	}
	out := req.Clone(req.Context())
	if g.header != "" && req.URL.Host == e.host.address { // not where a list leads to
		out.Header.Set("Authorization", g.header)
	}
	if e.proxied != "" {
		query := out.URL.Query()
		query.Set("ns", e.proxied)
		out.URL.RawQuery = query.Encode()
	}
	sent := time.Now()
	resp, err := e.host.roundTrip(out)
	detach(resp)
	e.host.traffic.observe(out, resp, err, sent)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && resp.Request.URL.Host == e.host.address {
		e.host.auth.learn(resp) // and not where a redirect led, which must not say to whom credentials go
	}
	return g, resp, err
}

// whole is send with an answer of at most limit bytes read to its end.
func whole(send exchange, limit int64) exchange {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := send(req)
		if err != nil || resp.StatusCode >= http.StatusBadRequest {
			return resp, err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		_ = resp.Body.Close()
		if err != nil {
			return nil, newTransportError(resp.Request, err)
		}
		if int64(len(body)) > limit {
			return nil, unsupported("%s %s: the answer has more than %d bytes", req.Method, place(req.URL), limit)
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, nil
	}
}

// refused makes an error of an answer that is one.
func refused(resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, readAnswer(resp)
	}
	return resp, nil
}

// at is where a Location header of resp leads, on the same host.
func (e *endpoint) at(resp *http.Response) (*url.URL, error) {
	location, err := resp.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return nil, unsupported("the answer has no Location")
	}
	if err != nil {
		return nil, unsupported("reading the Location of the answer: %w", err)
	}
	if location.Host == e.host.address || location.Hostname()+":443" == e.host.address || location.Host == e.host.address+":443" {
		location.Scheme, location.Host = resp.Request.URL.Scheme, e.host.address
		return location, nil
	}
	return nil, unsupported("refusing to upload to another host, %s", location.Host)
}
