package transport

import (
	"errors"
	"net"
	"net/http"
	"net/url"
)

// roundTrip sends req once, over HTTPS or HTTP, whichever the host speaks.
// HTTP is tried only where insecure allows it, and only until the first answer.
func (h *host) roundTrip(req *http.Request) (*http.Response, error) {
	h.sign(req)
	if req.URL.Host == h.address {
		req.URL.Scheme = h.scheme()
	}
	resp, err := h.send(req)
	if !h.mayDiffer(req, resp, err) {
		return resp, err
	}
	if again := replay(req); again != nil {
		return h.sendOtherwise(again, resp, err)
	}
	return resp, err
}

// sign says who is asking.
func (h *host) sign(req *http.Request) {
	if agent := h.transport.options.UserAgent; agent != "" {
		req.Header.Set("User-Agent", agent)
	}
}

// sendOtherwise sends req over the other scheme than the one that had this
// outcome, which stands where the host knows only that one.
func (h *host) sendOtherwise(req *http.Request, resp *http.Response, err error) (*http.Response, error) {
	if req.URL.Scheme == "https" {
		req.URL.Scheme = "http"
		return h.send(req)
	}
	req.URL.Scheme = "https"
	second, secondErr := h.send(req)
	failed, silent := errors.AsType[*transportError](secondErr)
	plain := silent && failed.plain()
	h.plain.Store(plain)
	if plain {
		return resp, err
	}
	if resp != nil {
		drain(resp.Body)
	}
	return second, secondErr
}

// scheme is what the host speaks, as far as that is known. A registry on this
// machine that need not be verified mostly speaks HTTP, which nobody can
// overhear there; any other one is asked over HTTPS first.
func (h *host) scheme() string {
	if h.plain.Load() || h.insecure && h.nearby && !h.secure.Load() {
		return "http"
	}
	return "https"
}

func (h *host) send(req *http.Request) (*http.Response, error) {
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, newTransportError(req, err)
	}
	if req.URL.Host == h.address {
		redirected := resp.Request.URL // or not
		h.plain.Store(req.URL.Scheme == "http" && (redirected.Host != h.address || redirected.Scheme == "http"))
	}
	return resp, nil
}

// mayDiffer reports whether the host, with this outcome of its first request,
// may want the other scheme.
func (h *host) mayDiffer(req *http.Request, resp *http.Response, err error) bool {
	if !h.insecure || h.secure.Load() || h.contact.made() || req.URL.Host != h.address || req.Context().Err() != nil {
		return false
	}
	failed, silent := errors.AsType[*transportError](err)
	if req.URL.Scheme == "http" {
		return h.nearby && (silent && !failed.unreachable() || !silent && resp.StatusCode == http.StatusBadRequest) // which TLS servers answer to HTTP
	}
	return silent && (!failed.tls() || failed.plain())
}

// loopback reports whether address is a port of this machine. Without a port it
// is HTTPS's.
func loopback(address string) bool {
	u := url.URL{Host: address}
	return u.Port() != "" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}
