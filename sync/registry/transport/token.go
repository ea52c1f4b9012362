package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"csync/sync/fault"
)

const (
	formType       = "application/x-www-form-urlencoded" // of a request that exchanges an identity token
	maxTokenAnswer = 1 << 20                             // bytes
	defaultLife    = 60 * time.Second                    // of a token, by the specification
	maxMargin      = 10 * time.Second                    // before the end of its life, when it is renewed
	refusedFor     = time.Minute                         // that a user who was turned away is not sent again
)

// tokenKey is what a token is good for.
type tokenKey struct {
	realm, service string
	user           user   // with the password, so that nobody else has it
	scopes         string // separated by spaces, sorted
}

// token is what a token endpoint gave.
type token struct {
	value   string
	fetched time.Time
	renew   time.Time
}

// refusal is what a token endpoint said instead.
type refusal struct {
	err   error
	until time.Time
}

// tokenSlot holds the token for a key. It is fetched once however many ask.
type tokenSlot struct {
	fetching flight[*token]
	current  atomic.Pointer[token]
}

// fresh is the token, or nil if there is none or its time is up.
func (s *tokenSlot) fresh() *token {
	if t := s.current.Load(); t != nil && time.Now().Before(t.renew) {
		return t
	}
	return nil
}

func (p *pool) slot(key tokenKey) *tokenSlot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.tokens[key]
	if !ok {
		s = &tokenSlot{}
		p.tokens[key] = s
	}
	return s
}

// forgetTokens drops those whose time is up.
func (p *pool) forgetTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.tokens, func(_ tokenKey, s *tokenSlot) bool { return s.fresh() == nil })
}

// bearer gives a token for scopes.
func (a *authority) bearer(ctx context.Context, wanted *challenge, u user, scopes []string) (grant, error) {
	if len(scopes) == 0 {
		scopes = strings.Fields(wanted.parameters["scope"])
	}
	key := tokenKey{wanted.parameters["realm"], wanted.parameters["service"], u, strings.Join(scopes, " ")}
	slot := a.host.slot(key)
	if t := slot.fresh(); t == nil && strings.HasSuffix(key.scopes, ":pull") {
		wider := key
		wider.scopes += ",push" // what may write may read
		if other := a.host.slot(wider); other.fresh() != nil {
			slot = other
		}
	}
	t, err := slot.get(ctx, func() (*token, error) { return a.fetchUnlessRefused(ctx, key) })
	if err != nil {
		return grant{}, err
	}
	return grant{header: "Bearer " + t.value, token: t, slot: slot}, nil
}

// get is the fresh token, or what fetch gives.
func (s *tokenSlot) get(ctx context.Context, fetch func() (*token, error)) (*token, error) {
	if t := s.fresh(); t != nil {
		return t, nil
	}
	return s.fetching.do(ctx, func() (*token, error) {
		if t := s.fresh(); t != nil {
			return t, nil
		}
		t, err := fetch()
		if err == nil {
			s.current.Store(t)
		}
		return t, err
	})
}

// fetchUnlessRefused is fetch for a user who was not turned away before: a wrong
// password that is sent for each image locks accounts.
func (a *authority) fetchUnlessRefused(ctx context.Context, key tokenKey) (*token, error) {
	a.mu.Lock()
	earlier, known := a.refusals[key]
	a.mu.Unlock()
	if known && time.Now().Before(earlier.until) {
		return nil, earlier.err
	}
	t, err := a.fetch(ctx, key)
	if fault.Is(err, fault.Unauthorized) || fault.Is(err, fault.Denied) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.refusals[key] = refusal{err, time.Now().Add(refusedFor)}
	}
	return t, err
}

// fetch asks the token endpoint, as distribution's "Token Authentication
// Specification" has it.
func (a *authority) fetch(ctx context.Context, key tokenKey) (*token, error) {
	realm, err := a.realm(key.realm)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	resp, err := a.sendTokenRequest(ctx, realm, key)
	if err != nil {
		return nil, a.host.failure(ctx, err, "fetching a token from %s", realm.Host)
	}
	defer resp.Body.Close()
	t, err := readToken(resp, asked)
	if err != nil {
		return nil, a.host.failure(ctx, err, "reading a token from %s", realm.Host)
	}
	return t, nil
}

// realm is the address of the token endpoint, which must be as safe as the
// registry that names it.
func (a *authority) realm(text string) (*url.URL, error) {
	realm, err := url.Parse(text)
	if err != nil || realm.Host == "" || realm.Scheme != "https" && realm.Scheme != "http" {
		return nil, unsupported("reading the challenge of %s: realm %q is not a URL", a.host.name, text)
	}
	if realm.Scheme == "http" && !a.host.plain.Load() {
		return nil, fault.New(fault.TLS, fmt.Errorf("fetching a token for %s: refusing to send credentials to %s without TLS", a.host.name, place(realm)))
	}
	return realm, nil
}

// sendTokenRequest exchanges an identity token by OAuth2, and everything else,
// or where OAuth2 is not known, by the older way.
func (a *authority) sendTokenRequest(ctx context.Context, realm *url.URL, key tokenKey) (*http.Response, error) {
	u := key.user
	send := whole(func(req *http.Request) (*http.Response, error) {
		resp, err := a.host.roundTrip(req)
		a.host.traffic.count(resp)
		return resp, err
	}, maxTokenAnswer)
	if u.identityToken != "" {
		req, err := a.refreshRequest(ctx, realm, key)
		if err != nil {
			return nil, err
		}
		resp, err := a.host.persist(req, send)
		if err != nil || resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			return refused(resp, err)
		}
		drain(resp.Body)
		u.password = u.identityToken
	}
	asked := *realm
	query := asked.Query()
	if key.service != "" {
		query.Set("service", key.service)
	}
	for _, scope := range strings.Fields(key.scopes) {
		query.Add("scope", scope)
	}
	if u.name != "" {
		query.Set("account", u.name)
	}
	asked.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, asked.String(), nil)
	if err != nil {
		return nil, err
	}
	if header := u.basic(); header != "" {
		req.Header.Set("Authorization", header)
	}
	return refused(a.host.persist(req, send))
}

func (a *authority) refreshRequest(ctx context.Context, realm *url.URL, key tokenKey) (*http.Request, error) {
	form := url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {string(key.user.identityToken)},
		"service":       {key.service},
		"client_id":     {"csync"},
	}
	if key.scopes != "" {
		form.Set("scope", key.scopes)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", formType)
	}
	return req, err
}

// readToken reads the answer to a request that was sent at asked.
func readToken(resp *http.Response, asked time.Time) (*token, error) {
	var answer struct {
		Token       string      `json:"token"`
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"` // seconds
		IssuedAt    string      `json:"issued_at"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	value := answer.Token
	if value == "" {
		value = answer.AccessToken
	}
	if value == "" {
		return nil, fmt.Errorf("the answer has no token")
	}
	life := defaultLife
	if seconds, err := answer.ExpiresIn.Int64(); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, 24*60*60)) * time.Second
	}
	end := asked.Add(life)
	// A clock that is wrong here or there must not make every token look old.
	if issued, err := time.Parse(time.RFC3339, answer.IssuedAt); err == nil && issued.Before(asked) && issued.Add(life/2).After(asked) {
		end = issued.Add(life)
	}
	return &token{value: value, fetched: asked, renew: end.Add(-min(life/10, maxMargin))}, nil
}
