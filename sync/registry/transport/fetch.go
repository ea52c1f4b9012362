package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"csync/sync/fault"
)

// Fetch reads what a URL of HTTP or HTTPS leads to, which need not belong to a
// registry, and has at most limit bytes. Its host is reached as a registry of
// that name, insecure or not, but without any credentials, and counted as one.
func (s *Session) Fetch(ctx context.Context, u *url.URL, insecure bool, limit int64) ([]byte, error) {
	if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault.New(fault.Input, fmt.Errorf("fetching %s: not a URL of HTTP or HTTPS", u.Redacted()))
	}
	h, err := s.host(hostKey{u.Host, Access{Anonymous: true}, insecure, u.Scheme})
	if err != nil {
		return nil, err
	}
	content, err := h.fetch(ctx, u, limit)
	if answer, ok := errors.AsType[*answerError](err); ok {
		err = fault.New(answer.kind(), err) // and not with the remedy to log in
	}
	if err != nil {
		return nil, h.failure(ctx, err, "fetching %s", place(u))
	}
	return content, nil
}

func (h *host) fetch(ctx context.Context, u *url.URL, limit int64) ([]byte, error) {
	leave, err := h.traffic.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.URL.User = nil // it would be an Authorization
	resp, err := refused(h.persist(req, whole(h.visit, limit)))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(resp.Body)
}

// visit sends req once as it is: its URL says whether to speak TLS, which says
// nothing of how the registry of that name is asked.
func (h *host) visit(req *http.Request) (*http.Response, error) {
	report, err := h.contact.enter(req.Context())
	if err != nil {
		return nil, err
	}
	h.sign(req)
	sent := time.Now()
	resp, err := h.client.Do(req)
	h.traffic.observe(req, resp, err, sent)
	if err != nil {
		failed := newTransportError(req, err)
		report(failed)
		return nil, failed
	}
	report(nil)
	detach(resp)
	return resp, nil
}
