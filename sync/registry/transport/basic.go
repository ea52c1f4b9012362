package transport

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
)

// basic gives the password of the repository's user, if there is one.
func (a *authority) basic(repository string) (grant, error) {
	u, err := a.credentials.find(repository)
	if err != nil || u.basic() == "" {
		return grant{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	password, ok := a.passwords[u]
	if !ok {
		password = &passwordTrial{}
		a.passwords[u] = password
	}
	return grant{header: u.basic(), password: password}, nil
}

// basic is the header for a user (RFC 7617), or "" without one.
func (u user) basic() string {
	if u.name == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.name+":"+string(u.password)))
}

// maxRefusals is how many requests a password may fail to open before any, where
// the registry does not say whether it is the password or what is asked for.
const maxRefusals = 3

// passwordTrial is the trial of a user's password.
type passwordTrial struct {
	trial
	refusals int // of requests that went first, which are one at a time
}

// submit sends req with what was granted. A password that the host does not
// take is shown to it a fixed number of times in a run, however many requests
// would carry it: one that is sent for each image locks accounts.
func (h *host) submit(req *http.Request, g grant) (*http.Response, error) {
	if g.header == "" || req.URL.Host != h.address { // where a list leads to
		return h.roundTrip(req)
	}
	req.Header.Set("Authorization", g.header)
	if g.password == nil {
		return h.roundTrip(req)
	}
	settle, err := g.password.enter(req.Context())
	if err != nil {
		return nil, err
	}
	resp, err := h.roundTrip(req)
	v, refused := h.judge(resp, err, g)
	if refused != nil {
		v = h.appeal(req.Context(), g, refused)
	}
	settle(v)
	return resp, err
}

// judge is what an answer says of the password that was sent for it, unless it
// was refused. A host that is too busy has not looked at it; one that it has
// opened before refuses only what was asked for.
func (h *host) judge(resp *http.Response, err error, g grant) (v verdict, refused error) {
	if err != nil || h.temporary(resp, nil) || g.password.made() {
		return verdict{}, nil
	}
	if resp.StatusCode != http.StatusUnauthorized || resp.Request.URL.Host != h.address {
		return verdict{passed: true}, nil
	}
	detach(resp)
	text, _ := io.ReadAll(resp.Body) // which is in memory
	resp.Body = io.NopCloser(bytes.NewReader(text))
	refused = readAnswer(resp)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return verdict{}, refused
}

// appeal asks where the protocol has a place for it whether the password was
// refused, or only what it was sent for: where nobody is let in without one.
func (h *host) appeal(ctx context.Context, g grant, refused error) verdict {
	wanted := h.auth.challenge.Load()
	if wanted == nil || wanted.scheme != "basic" { // it is no password for that place
		return verdict{failed: refused}
	}
	if h.knock(ctx, "") == http.StatusUnauthorized {
		switch h.knock(ctx, g.header) {
		case http.StatusUnauthorized:
			return verdict{failed: refused}
		case http.StatusOK:
			return verdict{passed: true}
		}
	}
	if g.password.refusals++; g.password.refusals >= maxRefusals {
		return verdict{failed: refused}
	}
	return verdict{}
}

// knock is the status of the registry's /v2/; 0 where there is no answer.
func (h *host) knock(ctx context.Context, header string) (status int) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+h.address+"/v2/", nil)
	if err != nil {
		return 0
	}
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	resp, err := h.roundTrip(req)
	if err != nil {
		return 0
	}
	drain(resp.Body)
	return resp.StatusCode
}
