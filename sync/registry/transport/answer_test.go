package transport

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestAnswersReadAsSkopeosDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path string
		status       int
		body         string
		kind         fault.Kind
		text         string
	}{
		"manifest unknown": {"GET", "/v2/a/manifests/1", 404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}`, fault.NotFound, "manifest unknown"},
		"which manifest":   {"GET", "/v2/a/manifests/1", 404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown tag=1"}]}`, fault.NotFound, "manifest unknown: unknown tag=1"},
		"no repository":    {"GET", "/v2/a/tags/list", 404, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}`, fault.NotFound, "repository name not known to registry"},
		"not a registry":   {"GET", "/v2/a/manifests/1", 404, "<html>", fault.NotFound, `StatusCode: 404, "<html>"`},
		"HEAD":             {"HEAD", "/v2/a/manifests/1", 404, "", fault.NotFound, "manifest unknown: StatusCode: 404"},
		"unauthorized":     {"GET", "/v2/a/tags/list", 401, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, fault.Unauthorized, denied + " (unauthorized: authentication required)"},
		"denied":           {"GET", "/v2/a/tags/list", 403, `{"errors":[{"code":"DENIED","message":"` + denied + `"}]}`, fault.Denied, denied},
		"limited":          {"GET", "/v2/a/manifests/1", 429, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}`, fault.RateLimited, "too many requests: You have reached your pull rate limit"},
		"immutable tag":    {"PUT", "/v2/a/manifests/1", 409, "", fault.Conflict, "StatusCode: 409 Conflict"},
		"wrong digest":     {"PUT", "/v2/a/blobs/uploads/1", 400, `{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}`, fault.DigestMismatch, "digest invalid: provided digest did not match uploaded content"},
		"gateway":          {"GET", "/v2/a/tags/list", 502, strings.Repeat("x", 300), fault.Network, "StatusCode: 502, \"" + strings.Repeat("x", 200) + "…\""},
		"method":           {"DELETE", "/v2/a/manifests/1", 405, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`, fault.Unsupported, "The operation is unsupported."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := readAnswer(&http.Response{
				StatusCode: c.status,
				Body:       io.NopCloser(strings.NewReader(c.body)),
				Request:    &http.Request{Method: c.method, URL: &url.URL{Path: c.path}},
			})
			require.Equal(t, c.kind, answer.kind())
			require.EqualError(t, answer, c.text)
		})
	}
}
