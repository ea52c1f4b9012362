package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"csync/sync/fault"
)

// transportError says that there was no answer.
type transportError struct {
	method, place string
	err           error
}

// newTransportError replaces the URL in err by one without its query, which
// may hold the secrets of a signed link.
func newTransportError(req *http.Request, err error) *transportError {
	failed := &transportError{req.Method, place(req.URL), err}
	if at, ok := errors.AsType[*url.Error](err); ok {
		failed.err = at.Err
		if u, parseErr := url.Parse(at.URL); parseErr == nil { // where a redirect led to
			failed.place = place(u)
		}
	}
	return failed
}

// place is where u leads, without its user and query.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// ofHost is the error as it concerns every request to the host.
func (e *transportError) ofHost() *transportError {
	place := e.place
	if u, err := url.Parse(place); err == nil {
		place = u.Scheme + "://" + u.Host
	}
	return &transportError{"reaching", place, e.err}
}

func (e *transportError) Error() string { return fmt.Sprintf("%s %s: %v", e.method, e.place, e.err) }
func (e *transportError) Unwrap() error { return e.err }

// unreachable reports whether no connection came about.
func (e *transportError) unreachable() bool {
	if _, ok := errors.AsType[*net.DNSError](e.err); ok {
		return true
	}
	at, ok := errors.AsType[*net.OpError](e.err)
	return e.tls() || ok && (at.Op == "dial" || at.Op == "proxyconnect")
}

// permanent reports whether a repetition would fail alike.
func (e *transportError) permanent() bool {
	dns, unresolved := errors.AsType[*net.DNSError](e.err)
	_, redirected := errors.AsType[*redirectError](e.err)
	return e.tls() || redirected || unresolved && dns.IsNotFound || fault.KindOf(e.err) != fault.Internal
}

// tls reports whether the two sides could not agree on a secure connection.
func (e *transportError) tls() bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](e.err)
	_, record := errors.AsType[tls.RecordHeaderError](e.err)
	_, alert := errors.AsType[tls.AlertError](e.err)
	remote, ok := errors.AsType[*net.OpError](e.err) // how crypto/tls reports the peer's alerts
	return certificate || record || alert || e.plain() || e.foreign() ||
		ok && (remote.Op == "remote error" || remote.Op == "local error")
}

// plain reports whether HTTP was answered where HTTPS was spoken.
func (e *transportError) plain() bool { return errors.Is(e.err, http.ErrSchemeMismatch) }

// foreign reports whether the certificate's authority is not known here.
func (e *transportError) foreign() bool {
	_, ok := errors.AsType[x509.UnknownAuthorityError](e.err)
	return ok
}

// redirectError says why a redirect is not followed.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

// failure wraps err, which kept the client from doing something at h, with the
// kind and the remedy that its cause implies. Kinds that are known already stay.
func (h *host) failure(ctx context.Context, err error, doing string, args ...any) error {
	kind, remedy := h.classify(ctx, err)
	err = fmt.Errorf("%s: %w", fmt.Sprintf(doing, args...), err)
	return fault.WithRemedy(kind, err, remedy)
}

func (h *host) classify(ctx context.Context, err error) (fault.Kind, string) {
	if ctx.Err() != nil {
		return fault.Cancelled, ""
	}
	if kind := fault.KindOf(err); kind != fault.Internal {
		return kind, ""
	}
	if answer, ok := errors.AsType[*answerError](err); ok {
		kind := answer.kind()
		if kind == fault.Unauthorized {
			return kind, "csync login " + h.name
		}
		return kind, ""
	}
	if failed, ok := errors.AsType[*transportError](err); ok {
		return h.classifyTransport(failed)
	}
	if broken(err) {
		return fault.Network, ""
	}
	return fault.Unsupported, "" // an answer that makes no sense
}

func (h *host) classifyTransport(failed *transportError) (fault.Kind, string) {
	at := h.name
	if u, err := url.Parse(failed.place); err == nil && !h.owns(u.Host) {
		at = u.Host // where the registry led to
	}
	switch {
	case failed.plain():
		return fault.TLS, fmt.Sprintf(
			"if %s is to be reached without TLS, say tls-verify: false in the source file, --dest-tls-verify=false for a destination, or --tls-verify=false", h.name)
	case failed.foreign():
		return fault.TLS, fmt.Sprintf("put the certificate of its authority into certs.d/%s or cert-dir", at)
	case failed.tls():
		return fault.TLS, fmt.Sprintf("check the certificates of %s, certs.d and cert-dir", at)
	}
	if _, ok := errors.AsType[*redirectError](failed.err); ok {
		return fault.Unsupported, ""
	}
	return fault.Network, ""
}

// broken reports whether reading stopped because the connection did.
func broken(err error) bool {
	_, network := errors.AsType[net.Error](err)
	_, system := errors.AsType[syscall.Errno](err)
	return network || system || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// unsupported is a failure of an answer that the protocol does not allow.
func unsupported(format string, args ...any) error {
	return fault.New(fault.Unsupported, fmt.Errorf(format, args...))
}

// shorten cuts what a server wrote to what a line of an error can take.
func shorten(text string) string {
	const most = 200
	text = strings.TrimSpace(text)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
