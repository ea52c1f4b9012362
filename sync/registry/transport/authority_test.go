package transport

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestFiftyWhoAskAtOnceNeedOneToken(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := source(t, s, server.Host()+"/a", asUser(plainly))
	resolveAll(t, 50, func(int) repository { return r })
	require.Equal(t, "manifest-head 50\ntoken-request 1\nunauthorized 1\n", server.Counts())
}

func TestTwentyRepositoriesNeedTwentyTokensAndOneRefusal(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	for i := range 20 {
		server.Push(t, fmt.Sprint("a", i), "1", registrytest.RandomImage(1))
	}
	s, _ := newSession(t)
	resolveAll(t, 20, func(i int) repository { return source(t, s, fmt.Sprint(server.Host(), "/a", i), asUser(plainly)) })
	require.Equal(t, "manifest-head 20\ntoken-request 20\nunauthorized 1\n", server.Counts())
}

// resolveAll resolves tag 1 of n repositories at once.
func resolveAll(t *testing.T, n int, repository func(int) repository) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		r := repository(i)
		all.Go(func() {
			if err := r.Resolve(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestTokensAreForgottenWhenTheRegistryForgetsThem(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := source(t, s, server.Host()+"/a", asUser(plainly))
	for range 2 {
		err := r.Resolve(t.Context(), "1")
		require.NoError(t, err)
		server.ExpireTokens()
	}
	require.Equal(t, "manifest-head 2\ntoken-request 2\nunauthorized 2\n", server.Counts())
}

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

func TestWrongPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	s, w := newSession(t)
	r := source(t, s, server.Host()+"/a", Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify})
	for range 3 {
		_, err := r.Tags(t.Context())
		requireFault(t, err, fault.Unauthorized, "fetching tags list: ", denied, "csync login "+server.Host())
		require.NotContains(t, err.Error(), "wrong")
	}
	require.Equal(t, 1, countPath(server, "/token"))
	require.Empty(t, w.each)
}

// passwords is the number of requests with one.
func passwords(server *registrytest.Registry) int {
	n := 0
	for _, request := range server.Log() {
		if request.Scheme == "Basic" {
			n++
		}
	}
	return n
}

func countPath(server *registrytest.Registry, path string) int {
	n := 0
	for _, request := range server.Log() {
		if request.Path == path {
			n++
		}
	}
	return n
}

func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := source(t, s, server.Host()+"/a", asUser(plainly))
	resolveAll(t, 10, func(int) repository { return r })
	require.Equal(t, "manifest-head 10\nunauthorized 1\n", server.Counts())

	for name, access := range map[string]Access{
		"nobody":      plainly,
		"anonymous":   {Username: "ci", Password: "secret", Anonymous: true, TLSVerify: plainly.TLSVerify},
		"other user":  {Username: "ci", Password: "other", TLSVerify: plainly.TLSVerify},
		"other token": {RegistryToken: "x", TLSVerify: plainly.TLSVerify},
	} {
		server.Reset()
		_, err := source(t, s, server.Host()+"/a", access).Tags(t.Context())
		requireFault(t, err, fault.Unauthorized, "fetching tags list: "+denied, "csync login "+server.Host())
		require.LessOrEqual(t, len(server.Log()), 2, name)
	}
}

func TestAPasswordThatARegistryDoesNotTakeIsSentOnce(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	s, w := newSession(t)
	wrong := Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify}
	var all sync.WaitGroup
	for i := range 30 {
		r := source(t, s, fmt.Sprint(server.Host(), "/a", i), wrong)
		all.Go(func() {
			_, err := r.Tags(t.Context())
			if !fault.Is(err, fault.Unauthorized) || !strings.Contains(err.Error(), denied) || !strings.Contains(err.Error(), "csync login "+server.Host()) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	beside := source(t, s, server.Host()+"/a", wrong)
	req, err := beside.RequestAt(t.Context(), http.MethodGet, "/api/v1/repository", nil)
	require.NoError(t, err)
	_, err = beside.SendPassword(req, 100)
	require.Equal(t, http.StatusUnauthorized, Status(err))
	require.Equal(t, 1, passwords(server), server.Counts())
	require.Empty(t, w.each)
}

func TestAPasswordThatARegistryHadNoTimeToLookAtIsNotTakenYet(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	var busy atomic.Bool
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") == "" || busy.Swap(true) {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	s, _ := newSession(t)
	wrong := Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify}
	for range 3 {
		requireFault(t, source(t, s, server.Host()+"/a", wrong).Resolve(t.Context(), "1"), fault.Unauthorized)
	}
	require.Equal(t, 2, passwords(server), server.Counts())
}

func TestOneRefusalAfterAPasswordWasTakenRefusesNothingElse(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasPrefix(req.URL.Path, "/v2/private/") {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return strings.HasPrefix(req.URL.Path, "/v2/private/")
	})
	s, _ := newSession(t)
	for range 2 {
		require.NoError(t, source(t, s, server.Host()+"/a", asUser(plainly)).Resolve(t.Context(), "1"))
		err := source(t, s, server.Host()+"/private", asUser(plainly)).Resolve(t.Context(), "1")
		requireFault(t, err, fault.Unauthorized)
	}
}

func TestRegistryTokenIsSentAsItIs(t *testing.T) {
	t.Parallel()
	var seen []string
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		seen = append(seen, req.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"tags":["1"]}`)
	})
	s, _ := newSession(t)
	_, err := source(t, s, host+"/a", Access{RegistryToken: "abc", TLSVerify: plainly.TLSVerify}).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer abc"}, seen)
}

func TestReadsUseTheTokenOfWrites(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	s, _ := newSession(t)
	require.Error(t, destination(t, s, server.Host()+"/a", asUser(plainly)).Upload(t.Context(), strings.NewReader("")))
	_ = source(t, s, server.Host()+"/a", asUser(plainly)).Resolve(t.Context(), "1")
	require.Equal(t, 1, server.Count(registrytest.TokenRequest), server.Counts())
}

// tokenHost is a registry that wants a token from a server of the test's.
func tokenHost(t *testing.T, token http.HandlerFunc) string {
	t.Helper()
	var host string
	host = serve(t, func(w http.ResponseWriter, req *http.Request) {
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

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func body(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}

func TestTokenWithTooLittleScopeIsReplaced(t *testing.T) {
	t.Parallel()
	var host string
	var scopes []string
	host = serve(t, func(w http.ResponseWriter, req *http.Request) {
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

func TestHiddenRepositoryIsAskedForWithCredentials(t *testing.T) {
	t.Parallel()
	var host string
	var paths []string
	host = serve(t, func(w http.ResponseWriter, req *http.Request) {
		paths = append(paths, req.URL.Path)
		_, _, known := req.BasicAuth()
		switch {
		case req.URL.Path == "/v2/":
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusUnauthorized)
		case known:
			_, _ = io.WriteString(w, `{"tags":[]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	s, _ := newSession(t)
	_, err := source(t, s, host+"/a", asUser(plainly)).Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"/v2/a/tags/list", "/v2/", "/v2/a/tags/list"}, paths)
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

func TestCredentialsComeFromTheAuthFile(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	server.Push(t, "ns/a", "1", registrytest.RandomImage(1))
	right := base64.StdEncoding.EncodeToString([]byte("ci:secret"))
	wrong := base64.StdEncoding.EncodeToString([]byte("ci:wrong"))
	for name, c := range map[string]struct {
		file string
		kind fault.Kind
	}{
		"for the host":      {fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, server.Host(), right), ""},
		"for the namespace": {fmt.Sprintf(`{"auths":{%q:{"auth":%q},%q:{"auth":%q}}}`, server.Host()+"/ns", right, server.Host(), wrong), ""},
		"for another":       {fmt.Sprintf(`{"auths":{"q.io":{"auth":%q}}}`, right), fault.Unauthorized},
		"not JSON":          {`{`, fault.Input},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			access := plainly
			access.AuthFile = filepath.Join(t.TempDir(), "auth.json")
			require.NoError(t, os.WriteFile(access.AuthFile, []byte(c.file), 0o600))
			s, _ := newSession(t)
			err := source(t, s, server.Host()+"/ns/a", access).Resolve(t.Context(), "1")
			if c.kind == "" {
				require.NoError(t, err)
			} else {
				requireFault(t, err, c.kind)
			}
		})
	}
}

func TestCredentialHelperRunsOnce(t *testing.T) {
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	for i := range 5 {
		server.Push(t, fmt.Sprint("a", i), "1", registrytest.RandomImage(1))
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho run >>%s/runs\necho '{\"Username\":\"ci\",\"Secret\":\"secret\"}'\n", dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte(script), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	access := plainly
	access.AuthFile = filepath.Join(dir, "auth.json")
	require.NoError(t, os.WriteFile(access.AuthFile, []byte(fmt.Sprintf(`{"credHelpers":{%q:"test"}}`, server.Host())), 0o600))
	s, _ := newSession(t)
	resolveAll(t, 5, func(i int) repository { return source(t, s, fmt.Sprint(server.Host(), "/a", i), access) })
	runs, err := os.ReadFile(filepath.Join(dir, "runs"))
	require.NoError(t, err)
	require.Equal(t, "run\n", string(runs))
}
