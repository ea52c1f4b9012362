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
	"testing"

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

func countPath(server *registrytest.Registry, path string) int {
	n := 0
	for _, request := range server.Log() {
		if request.Path == path {
			n++
		}
	}
	return n
}

func TestRegistryTokenIsSentAsItIs(t *testing.T) {
	t.Parallel()
	var seen []string
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
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

func TestHiddenRepositoryIsAskedForWithCredentials(t *testing.T) {
	t.Parallel()
	var host string
	var paths []string
	host = registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
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
