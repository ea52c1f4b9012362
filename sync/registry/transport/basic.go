package transport

import (
	"bytes"
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
		password = &trial{}
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

// submit sends req with what was granted. A password that the host does not
// take is shown to it once in a run, however many requests would carry it: one
// that is sent for each image locks accounts.
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
	settle(h.judge(resp, err))
	return resp, err
}

// judge is what an answer says of the password that was sent for it. A host that
// is too busy has not looked at it.
func (h *host) judge(resp *http.Response, err error) verdict {
	if err != nil || h.temporary(resp, nil) {
		return verdict{}
	}
	if resp.StatusCode != http.StatusUnauthorized || resp.Request.URL.Host != h.address {
		return verdict{passed: true}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText)) // as much as there is
	drain(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	refused := readAnswer(resp)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return verdict{failed: refused}
}
