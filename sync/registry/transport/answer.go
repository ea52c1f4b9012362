package transport

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"oras.land/oras-go/v2/errdef"

	"csync/sync/fault"
)

const (
	maxErrorText = 8 << 10  // bytes of an error answer that are read
	maxDrained   = 64 << 10 // bytes that are read so that a connection can be used again
)

// answerError is an answer with a status of 400 or more.
type answerError struct {
	method   string
	resource string // "manifest", "blob", "tags"; or ""
	status   int
	codes    []errorCode // OCI distribution 1.1, "Error Codes"
	text     string      // the body, or the message in it, where it has no codes
	user     bool        // somebody had asked, by name and password or what stands for them
}

type errorCode struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// denied is the text that scripts look for, whichever way a registry keeps
// something from the user.
const denied = "requested access to the resource is denied"

// defaultMessages are distribution's texts for the codes that scripts look for.
var defaultMessages = map[string]string{
	"DENIED":           denied,
	"NAME_UNKNOWN":     "repository name not known to registry",
	"MANIFEST_UNKNOWN": "manifest unknown",
	"BLOB_UNKNOWN":     "blob unknown to registry",
	"TOOMANYREQUESTS":  "too many requests",
}

// readAnswer takes an error answer to its end.
func readAnswer(resp *http.Response) *answerError {
	e := &answerError{method: resp.Request.Method, resource: resourceOf(resp.Request.URL.Path), status: resp.StatusCode, user: named(resp.Request)}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText)) // as much as there is
	drain(resp.Body)
	var document struct {
		Errors  []errorCode `json:"errors"`
		Message string      `json:"error_message"` // of Quay's own API
	}
	if json.Unmarshal(body, &document) == nil {
		e.codes = document.Errors
	}
	if len(e.codes) == 0 {
		e.text = cmp.Or(document.Message, string(body))
	}
	return e
}

// detach reads what an answer of an error says, so that its connection is free
// for what has to be asked before the next attempt.
func detach(resp *http.Response) {
	if resp == nil || resp.StatusCode < http.StatusBadRequest {
		return
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText)) // as much as there is
	drain(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
}

// drain reads what is left of an answer nobody wants, within limits.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxDrained)
	_ = body.Close()
}

// resourceOf is what a path of the API is about.
func resourceOf(path string) string {
	switch {
	case strings.Contains(path, "/manifests/"):
		return "manifest"
	case strings.Contains(path, "/blobs/"):
		return "blob"
	}
	return ""
}

// Error begins with what skopeo says of the same answer.
func (e *answerError) Error() string {
	text := e.describe()
	if e.status == http.StatusUnauthorized && !strings.HasPrefix(text, denied) {
		return fmt.Sprintf("%s (%s)", denied, text)
	}
	return text
}

func (e *answerError) describe() string {
	if len(e.codes) > 0 {
		return e.codes[0].String()
	}
	status := fmt.Sprintf("StatusCode: %d", e.status)
	switch {
	case e.method == http.MethodHead && e.status == http.StatusNotFound && e.resource != "":
		return fmt.Sprintf("%s unknown: %s", e.resource, status) // such answers have no body
	case e.text != "":
		return fmt.Sprintf("%s, %q", status, shorten(e.text))
	}
	return fmt.Sprintf("%s %s", status, http.StatusText(e.status))
}

// String reads "manifest unknown: unknown tag=7", "repository name not known to
// registry".
func (c errorCode) String() string {
	code := strings.ToLower(strings.ReplaceAll(c.Code, "_", " "))
	usual, known := defaultMessages[c.Code]
	switch message := shorten(c.Message); {
	case known && (message == "" || strings.EqualFold(message, usual)):
		return usual
	case known && !strings.Contains(strings.ToLower(message), usual):
		return usual + ": " + message
	case message == "":
		return code
	case strings.Contains(strings.ToLower(message), code):
		return message
	default:
		return code + ": " + message
	}
}

// Status is that of the answer which err is about, or 0 if there was none.
func Status(err error) int {
	if answer, ok := errors.AsType[*answerError](err); ok {
		return answer.status
	}
	return 0
}

// HasCode reports whether the answer which err is about gives one of the codes
// of OCI distribution 1.1, "Error Codes".
func HasCode(err error, codes ...string) bool {
	answer, ok := errors.AsType[*answerError](err)
	return ok && answer.has(codes...)
}

// named reports whether a request says who asks. A token that was fetched does
// not: it says what its bearer may do.
func named(req *http.Request) bool {
	_, _, basic := req.BasicAuth()
	return basic || req.Method == http.MethodPost && req.Header.Get("Content-Type") == formType
}

// Refused reports whether err says that credentials were sent and not accepted,
// other than that there were none, or that their owner may not do something.
func Refused(err error) bool {
	answer, ok := errors.AsType[*answerError](err)
	return ok && answer.user && answer.status == http.StatusUnauthorized
}

// has reports whether the registry gave one of the codes.
func (e *answerError) has(codes ...string) bool {
	for _, given := range e.codes {
		for _, code := range codes {
			if given.Code == code {
				return true
			}
		}
	}
	return false
}

// kind goes by the status, and by the code where several share one.
func (e *answerError) kind() fault.Kind {
	switch {
	case e.status == http.StatusTooManyRequests || e.has("TOOMANYREQUESTS"):
		return fault.RateLimited
	case e.status == http.StatusUnauthorized:
		return fault.Unauthorized
	case e.status == http.StatusForbidden || e.has("DENIED"):
		return fault.Denied
	case e.has("DIGEST_INVALID", "SIZE_INVALID"):
		return fault.DigestMismatch
	case e.status == http.StatusNotFound || e.has("NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "BLOB_UPLOAD_UNKNOWN", "MANIFEST_BLOB_UNKNOWN"):
		return fault.NotFound
	case e.status == http.StatusConflict || e.status == http.StatusPreconditionFailed:
		return fault.Conflict
	case e.status == http.StatusRequestTimeout || e.status >= http.StatusInternalServerError:
		return fault.Network
	}
	return fault.Unsupported
}

// Is tells oras-go which answers mean that something is not there, and which
// that the registry does not know this part of the API.
func (e *answerError) Is(err error) bool {
	absent := e.status == http.StatusNotFound
	return err == errdef.ErrNotFound && absent ||
		err == errdef.ErrUnsupported && (e.status == http.StatusMethodNotAllowed || absent && !e.has("NAME_UNKNOWN"))
}
