package transport

import (
	"context"
	"net/http"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// Endpoint is a place where a repository, or a registry, is reached. Which
// tokens its requests need is said in their context, with the functions for
// scopes of oras-go's auth package.
//
// Requests wait their turn among those of all runs to the registry. Answers with
// a status of 400 or more are errors that have a [Status]; [Endpoint.Failure]
// says what went wrong.
type Endpoint struct {
	host    *host
	path    string // of the repository in the API, "library/redis"
	proxied string // the registry that a proxy of many is asked for, or ""
}

// Registry is the registry's name as the user writes it.
func (e *Endpoint) Registry() string { return e.host.name }

// Address is the host of the registry's API, which may have another name.
func (e *Endpoint) Address() string { return e.host.address }

// Path is the repository in the API.
func (e *Endpoint) Path() string { return e.path }

// Name is the repository as credentials know it.
func (e *Endpoint) Name() string {
	if e.path == "" {
		return e.host.name
	}
	return e.host.name + "/" + e.path
}

// Realm is where the registry sends for tokens, or "" as long as it has not.
func (e *Endpoint) Realm() string {
	if wanted := e.host.auth.challenge.Load(); wanted != nil {
		return wanted.parameters["realm"]
	}
	return ""
}

// ExpectWrites says that the registry will be written to, so that blobs that are
// being read from it leave room for what is written.
func (e *Endpoint) ExpectWrites() { e.host.traffic.written.Store(true) }

// Failure wraps err, which kept the caller from doing something at the endpoint,
// with the kind and the remedy that its cause implies. A kind that is known
// already stays.
func (e *Endpoint) Failure(ctx context.Context, err error, doing string, args ...any) error {
	return e.host.failure(ctx, err, doing, args...)
}

// Send sends req and reads its answer, which may have at most limit bytes; an
// answer that breaks off is one that did not come. What may pass is repeated, if
// the body of req can be.
func (e *Endpoint) Send(req *http.Request, limit int64) (*http.Response, error) {
	return e.send(req, limit, e.exchange, e.host.transport.options.Retries)
}

// SendOnce is Send without repetitions.
func (e *Endpoint) SendOnce(req *http.Request, limit int64) (*http.Response, error) {
	return e.send(req, limit, e.exchange, 0)
}

// SendPassword is Send to an API beside the registry's, which takes the user's
// password but no token for repositories.
func (e *Endpoint) SendPassword(req *http.Request, limit int64) (*http.Response, error) {
	return e.send(req, limit, func(req *http.Request) (*http.Response, error) {
		g, given := e.host.auth.given()
		if !given {
			var err error
			if g, err = e.host.auth.basic(e.Name()); err != nil {
				return nil, err
			}
		}
		return e.host.submit(req, g)
	}, e.host.transport.options.Retries)
}

func (e *Endpoint) send(req *http.Request, limit int64, send exchange, repetitions int) (*http.Response, error) {
	leave, err := e.host.traffic.enter(req.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	return refused(e.host.repeat(req, whole(send, limit), repetitions))
}

// Open sends req, whose answer's body is for the caller to read and to close. The
// request is under way until then: who waits for another one to the same registry
// in between may wait forever.
func (e *Endpoint) Open(req *http.Request) (*http.Response, error) {
	leave, err := e.host.traffic.enterStream(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := refused(e.host.persist(req, e.exchange))
	if err != nil {
		leave()
		return nil, err
	}
	resp.Body = &heldBody{answerBody{resp.Body, req}, leave}
	return resp, nil
}

// Resume sends req for the rest of an answer that [Endpoint.Open] gave and whose
// body broke with cause, after the wait before a repetition. It is under way in
// that one's stead, which is still to be closed. Attempts are counted from 0 by
// the caller; when there have been as many as there are repetitions, cause is the
// error.
func (e *Endpoint) Resume(req *http.Request, attempt int, cause error) (*http.Response, error) {
	if attempt >= e.host.transport.options.Retries {
		return nil, cause
	}
	if err := e.host.transport.wait(req.Context(), e.host.delay(nil, 0)); err != nil {
		return nil, err
	}
	resp, err := refused(e.host.persist(req, e.exchange))
	if err == nil {
		resp.Body = answerBody{resp.Body, req}
	}
	return resp, err
}

// maxExchanges is how often a request is sent to be let in: without a token, with
// one, and with one for more.
const maxExchanges = 3

// exchange sends req authorized, again if the host then asks for authorization
// that can be had.
func (e *Endpoint) exchange(req *http.Request) (*http.Response, error) {
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

func (e *Endpoint) attempt(req *http.Request, scopes []string) (grant, *http.Response, error) {
	g, err := e.host.auth.authorize(req.Context(), e.Name(), scopes)
	if err != nil {
		return g, nil, err
	}
	out := req.Clone(req.Context())
	if e.proxied != "" {
		query := out.URL.Query()
		query.Set("ns", e.proxied)
		out.URL.RawQuery = query.Encode()
	}
	sent := time.Now()
	resp, err := e.host.submit(out, g)
	detach(resp)
	e.host.traffic.observe(out, resp, err, sent)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && resp.Request.URL.Host == e.host.address {
		e.host.auth.learn(resp) // and not where a redirect led, which must not say to whom credentials go
	}
	return g, resp, err
}
