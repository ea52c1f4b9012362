package transport

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// authority knows how a host wants requests of a run to be authorized, and does
// it.
//
// What the host wants is learnt once, from the first answer of 401, so that no
// later request needs one: with the scopes that are known beforehand, each
// repository's token is fetched directly. What it does not accept is not shown
// to it again.
type authority struct {
	host        *host
	challenge   atomic.Pointer[challenge] // nil: requests go as they are
	asking      flight[bool]              // for the challenge
	asked       atomic.Bool
	credentials credentialStore

	mu        sync.Mutex
	passwords map[user]*passwordTrial // of those that are sent as they are
	refusals  map[tokenKey]refusal
}

func (a *authority) init(h *host) {
	a.host = h
	a.passwords = map[user]*passwordTrial{}
	a.refusals = map[tokenKey]refusal{}
	a.credentials.init(h)
}

// grant is what a request is sent with. Its zero value is nothing.
type grant struct {
	header   string
	token    *token // nil: the header does not come from a token endpoint
	slot     *tokenSlot
	password *passwordTrial // nil: the header is not a user's password
}

// authorize gives what the host wants to see for scopes; nothing where it wants
// nothing, or there is nothing to give.
func (a *authority) authorize(ctx context.Context, repository string, scopes []string) (grant, error) {
	if g, given := a.given(); given {
		return g, nil
	}
	wanted := a.challenge.Load()
	if wanted == nil {
		return grant{}, nil
	}
	if wanted.scheme == "basic" {
		return a.basic(repository)
	}
	user, err := a.credentials.find(repository)
	if err != nil {
		return grant{}, err
	}
	return a.bearer(ctx, wanted, user, scopes)
}

// given is the token that the user wants to be sent as it is.
func (a *authority) given() (grant, bool) {
	token := a.host.access.RegistryToken
	return grant{header: "Bearer " + string(token)}, token != "" && !a.host.access.Anonymous
}

// learn takes note of a challenge that can be met.
func (a *authority) learn(resp *http.Response) {
	for _, c := range parseChallenges(resp.Header.Values("WWW-Authenticate")) {
		if c.scheme == "basic" || c.scheme == "bearer" && c.parameters["realm"] != "" {
			a.challenge.Store(&c)
			return
		}
	}
}

// attempt is a request that was sent: for which scopes, and when it was begun.
type attempt struct {
	scopes []string
	sent   time.Time
}

// reconsider says whether the request that got resp, authorized by g, may get
// another answer, and with which scopes. A token that was fetched for the
// request itself is not old: only more scopes can help.
func (a *authority) reconsider(ctx context.Context, resp *http.Response, g grant, of attempt) (scopes []string, again bool) {
	scopes = of.scopes
	if resp.Request.URL.Host != a.host.address { // a redirect led elsewhere
		return nil, false
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
	case http.StatusForbidden, http.StatusNotFound:
		// Some registries let everybody in and hide from them what is private.
		return scopes, g.header == "" && a.challenge.Load() == nil && a.credentials.any() && a.ask(ctx)
	default:
		return nil, false
	}
	wanted := a.challenge.Load()
	if g.header == "" {
		return scopes, wanted != nil || a.ask(ctx)
	}
	if g.token == nil {
		return nil, false
	}
	g.slot.current.CompareAndSwap(g.token, nil)
	if g.token.fetched.Before(of.sent) {
		return scopes, true
	}
	more := auth.CleanScopes(append(slices.Clone(scopes), asksFor(resp)...))
	return more, !slices.Equal(more, auth.CleanScopes(slices.Clone(scopes)))
}

// asksFor are the scopes of an answer's own challenge.
func asksFor(resp *http.Response) []string {
	for _, c := range parseChallenges(resp.Header.Values("WWW-Authenticate")) {
		if c.scheme == "bearer" {
			return strings.Fields(c.parameters["scope"])
		}
	}
	return nil
}

// ask asks the host for its challenge where the protocol has a place for it:
// some registries send none with the requests that they refuse. It reports
// whether there is one, and sends a request once at most.
func (a *authority) ask(ctx context.Context) bool {
	if a.asked.Load() {
		return a.challenge.Load() != nil
	}
	known, _ := a.asking.do(ctx, func() (bool, error) { // no answer is no challenge
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+a.host.address+"/v2/", nil)
		if err != nil {
			return false, err
		}
		resp, err := a.host.roundTrip(req)
		if err != nil {
			return false, err
		}
		drain(resp.Body)
		a.asked.Store(true)
		if resp.StatusCode == http.StatusUnauthorized {
			a.learn(resp)
		}
		return a.challenge.Load() != nil, nil
	})
	return known
}
