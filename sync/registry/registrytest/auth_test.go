package registrytest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// basic gives user ci that password.
func basic(password string) func(*http.Request) {
	return func(req *http.Request) { req.SetBasicAuth("ci", password) }
}

func bearer(token string) func(*http.Request) {
	return func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+token) }
}

// token asks the token endpoint and returns the token and its life in seconds.
func token(t *testing.T, r *registrytest.Registry, scope string, edit ...func(*http.Request)) (string, int) {
	t.Helper()
	answer, body := ask(t, client(t, r), http.MethodGet, r.URL()+"/token?"+url.Values{"scope": {scope}}.Encode(), edit...)
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	var issued struct {
		Token     string
		ExpiresIn int `json:"expires_in"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &issued))
	return issued.Token, issued.ExpiresIn
}

func TestBasicAdmitsTheRightPasswordOnly(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	r.Push(t, "a", "1", registrytest.RandomImage(1))
	manifest := r.URL() + "/v2/a/manifests/1"

	refused, _ := ask(t, client(t, r), http.MethodGet, manifest)
	require.Equal(t, http.StatusUnauthorized, refused.StatusCode)
	require.Equal(t, `Basic realm="registrytest"`, refused.Header.Get("WWW-Authenticate"))
	refused, _ = ask(t, client(t, r), http.MethodGet, manifest, basic("wrong"))
	require.Equal(t, http.StatusUnauthorized, refused.StatusCode)
	admitted, _ := ask(t, client(t, r), http.MethodGet, manifest, basic("secret"))
	require.Equal(t, http.StatusOK, admitted.StatusCode)
	require.Equal(t, "manifest-get 1\nunauthorized 2\n", r.Counts())
	require.Equal(t, "Basic", r.Log()[2].Scheme)
}

func TestTokenIsGoodForItsRepositoryAndActionsOnly(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Token("ci", "secret"))
	r.Push(t, "a/b", "1", registrytest.RandomImage(1))
	r.Push(t, "c", "1", registrytest.RandomImage(1))
	c, v2 := client(t, r), r.URL()+"/v2/"

	refused, _ := ask(t, c, http.MethodGet, v2+"a/b/manifests/1")
	require.Equal(t, `Bearer realm="`+r.URL()+`/token",service="`+r.Host()+`",scope="repository:a/b:pull"`,
		refused.Header.Get("WWW-Authenticate"))

	pull, life := token(t, r, "repository:a/b:pull", basic("secret"))
	require.Equal(t, 300, life)
	cases := []struct {
		name, method, path string
		status             int
	}{
		{"ping", http.MethodGet, "", http.StatusOK},
		{"pull", http.MethodGet, "a/b/manifests/1", http.StatusOK},
		{"pull of another repository", http.MethodGet, "c/manifests/1", http.StatusUnauthorized},
		{"push", http.MethodPost, "a/b/blobs/uploads/", http.StatusUnauthorized},
		{"delete", http.MethodDelete, "a/b/manifests/1", http.StatusUnauthorized},
		{"catalog", http.MethodGet, "_catalog", http.StatusUnauthorized},
	}
	for _, tc := range cases {
		answer, _ := ask(t, c, tc.method, v2+tc.path, bearer(pull))
		require.Equal(t, tc.status, answer.StatusCode, tc.name)
	}
	require.Equal(t, 1, r.Count(registrytest.TokenRequest))
}

func TestTokenForAMountCoversBothRepositories(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Token("ci", "secret"))
	image := registrytest.RandomImage(1)
	r.Push(t, "a", "1", image)
	mount := r.URL() + "/v2/b/blobs/uploads/?from=a&mount=" + image.Blobs[0].Digest().String()

	push, _ := token(t, r, "repository:b:pull,push", basic("secret"))
	refused, _ := ask(t, client(t, r), http.MethodPost, mount, bearer(push))
	require.Contains(t, refused.Header.Get("WWW-Authenticate"), `scope="repository:a:pull repository:b:pull,push"`)
	both, _ := token(t, r, "repository:a:pull repository:b:pull,push", basic("secret"))
	mounted, _ := ask(t, client(t, r), http.MethodPost, mount, bearer(both))
	require.Equal(t, http.StatusCreated, mounted.StatusCode)
}

func TestTokenEndpointRefusesAWrongPassword(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Token("ci", "secret"))
	for _, edit := range []func(*http.Request){basic("wrong"), func(*http.Request) {}} {
		answer, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/token", edit)
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	}
}

func TestAnonymousTokenIsForPullingOnly(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Token("ci", "secret"), registrytest.AnonymousPull())
	r.Push(t, "a", "1", registrytest.RandomImage(1))
	anonymous, _ := token(t, r, "repository:a:pull,push")
	pulled, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/a/manifests/1", bearer(anonymous))
	require.Equal(t, http.StatusOK, pulled.StatusCode)
	pushed, _ := ask(t, client(t, r), http.MethodPost, r.URL()+"/v2/a/blobs/uploads/", bearer(anonymous))
	require.Equal(t, http.StatusUnauthorized, pushed.StatusCode)
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Token("ci", "secret"), registrytest.ExpiresIn(0))
	pull, life := token(t, r, "repository:a:pull", basic("secret"))
	require.Zero(t, life, "expires_in is left out")
	before, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/", bearer(pull))
	require.Equal(t, http.StatusOK, before.StatusCode)
	r.ExpireTokens()
	after, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/", bearer(pull))
	require.Equal(t, http.StatusUnauthorized, after.StatusCode)
}
