package transport

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestTokenIsRenewedBeforeItExpires(t *testing.T) {
	t.Parallel()
	asked := time.Now()
	for name, c := range map[string]struct {
		answer string
		renew  time.Duration // after asked
	}{
		"says nothing":          {`{"token":"x"}`, 54 * time.Second},
		"a minute":              {`{"token":"x","expires_in":60}`, 54 * time.Second},
		"five minutes":          {`{"access_token":"x","expires_in":300}`, 290 * time.Second},
		"five seconds":          {`{"token":"x","expires_in":5}`, 4500 * time.Millisecond},
		"quoted":                {`{"token":"x","expires_in":"300"}`, 290 * time.Second},
		"never":                 {`{"token":"x","expires_in":-1}`, 54 * time.Second},
		"issued a while ago":    {fmt.Sprintf(`{"token":"x","expires_in":300,"issued_at":%q}`, asked.Add(-100*time.Second).Format(time.RFC3339Nano)), 190 * time.Second},
		"issued by a bad clock": {fmt.Sprintf(`{"token":"x","expires_in":300,"issued_at":%q}`, asked.Add(-time.Hour).Format(time.RFC3339)), 290 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readToken(&http.Response{Body: io.NopCloser(strings.NewReader(c.answer))}, asked)
			require.NoError(t, err)
			require.Equal(t, "x", got.value)
			require.WithinDuration(t, asked.Add(c.renew), got.renew, time.Second/10)
		})
	}
}

func TestExpiredTokenCostsNoRefusal(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := source(t, s, server.Host()+"/a", asUser(plainly))
	err := r.Resolve(t.Context(), "1")
	require.NoError(t, err)
	for _, slot := range r.host.tokens {
		if old := slot.current.Load(); old != nil {
			slot.current.Store(&token{value: old.value, renew: time.Now()})
		}
	}
	err = r.Resolve(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "manifest-head 2\ntoken-request 2\nunauthorized 1\n", server.Counts())
}

// tokenHost is a registry that wants a token from a server of the test's.
func tokenHost(t *testing.T, token http.HandlerFunc) string {
	t.Helper()
	var host string
	host = registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/token":
			token(w, req)
		case req.Header.Get("Authorization") != "Bearer good":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s"`, host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = io.WriteString(w, `{"tags":["1"]}`)
		}
	})
	return host
}

func TestIdentityTokenIsExchanged(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]bool{"OAuth2": false, "without OAuth2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := tokenHost(t, func(w http.ResponseWriter, req *http.Request) {
				user, password, _ := req.BasicAuth()
				switch {
				case old && req.Method == http.MethodPost:
					w.WriteHeader(http.StatusNotFound)
				case old && (user != "<token>" || password != "id"),
					!old && (req.FormValue("refresh_token") != "id" || req.FormValue("grant_type") != "refresh_token" || req.FormValue("scope") != "repository:a:pull"):
					w.WriteHeader(http.StatusUnauthorized)
				default:
					_, _ = io.WriteString(w, `{"access_token":"good"}`)
				}
			})
			s, _ := newSession(t)
			tags, err := source(t, s, host+"/a", Access{IdentityToken: "id", TLSVerify: plainly.TLSVerify}).Tags(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"1"}, tags)
		})
	}
}

func TestTokenEndpointIsAskedAgainAndWithinLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []func(http.ResponseWriter)
		kind    fault.Kind // "" for none
		asked   int
	}{
		"busy, then good": {[]func(http.ResponseWriter){status(429), status(503), body(`{"token":"good"}`)}, "", 3},
		"too large":       {[]func(http.ResponseWriter){body(strings.Repeat(" ", maxTokenAnswer+1))}, fault.Unsupported, 1},
		"not JSON":        {[]func(http.ResponseWriter){body("<html>")}, fault.Unsupported, 1},
		"no token":        {[]func(http.ResponseWriter){body("{}")}, fault.Unsupported, 1},
		"denied":          {[]func(http.ResponseWriter){status(403)}, fault.Denied, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			host := tokenHost(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				c.answers[min(asked, len(c.answers))-1](w)
			})
			s, _ := newSession(t)
			_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
			if c.kind == "" {
				require.NoError(t, err)
			} else {
				requireFault(t, err, c.kind, "token from "+host)
			}
			require.Equal(t, c.asked, asked)
		})
	}
}

func TestTokenWithTooLittleScopeIsReplaced(t *testing.T) {
	t.Parallel()
	var host string
	var scopes []string
	host = registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			scopes = append(scopes, strings.Join(req.URL.Query()["scope"], " "))
			_, _ = io.WriteString(w, fmt.Sprintf(`{"token":"t%d"}`, len(scopes)))
			return
		}
		if req.Header.Get("Authorization") == "Bearer t2" {
			_, _ = io.WriteString(w, `{"tags":[]}`)
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",scope="repository:proxy/a:pull",error="insufficient_scope"`, host))
		w.WriteHeader(http.StatusUnauthorized)
	})
	s, _ := newSession(t)
	_, err := source(t, s, host+"/a", plainly).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"repository:a:pull", "repository:a:pull repository:proxy/a:pull"}, scopes)
}

func TestTokenIsNotFetchedInTheClear(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.TLS())
	server.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://127.0.0.1:1/token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	s, _ := newSession(t)
	_, err := source(t, s, server.Host()+"/a", asUser(Access{CertDir: server.CertDir})).Tags(t.Context())
	requireFault(t, err, fault.TLS, "refusing to send credentials to http://127.0.0.1:1/token without TLS")
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func body(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}
