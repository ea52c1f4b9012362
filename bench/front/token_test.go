package front

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// tokenFor asks the front for a token.
func tokenFor(t *testing.T, f *Front, scopes ...string) string {
	t.Helper()
	w := ask(t, f, http.MethodGet, tokenPath+"?"+url.Values{"scope": scopes}.Encode(), "")
	var answer struct{ Token string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer.Token
}

func TestARequestNeedsATokenForItsRepositoryAndAction(t *testing.T) {
	t.Parallel()
	f := New(answering(http.StatusOK, ""), Options{Tokens: true})
	cases := []struct {
		name, method, path string
		scopes             []string
		status             int
	}{
		{"reading with pull", "GET", "/v2/a/b/tags/list", []string{"repository:a/b:pull"}, 200},
		{"writing with pull", "PUT", "/v2/a/b/manifests/1", []string{"repository:a/b:pull"}, 401},
		{"writing with both", "PUT", "/v2/a/b/manifests/1", []string{"repository:a/b:pull,push"}, 200},
		{"another repository", "GET", "/v2/a/c/manifests/1", []string{"repository:a/b:pull"}, 401},
		{"mounting without the other's pull", "POST", "/v2/a/blobs/uploads/?from=b&mount=x", []string{"repository:a:pull,push"}, 401},
		{"mounting with both", "POST", "/v2/a/blobs/uploads/?from=b&mount=x", []string{"repository:a:pull,push", "repository:b:pull"}, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
			req.Header.Set("Authorization", "Bearer "+tokenFor(t, f, c.scopes...))
			w := httptest.NewRecorder()
			f.ServeHTTP(w, req)
			require.Equal(t, c.status, w.Code)
		})
	}
}

func TestAChallengeSaysWhereATokenIsAndForWhat(t *testing.T) {
	t.Parallel()
	f := New(answering(http.StatusOK, ""), Options{Tokens: true})
	w := ask(t, f, http.MethodGet, "http://q.example/v2/a/tags/list", "")
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.Equal(t, `Bearer realm="http://q.example/token",service="q.example",scope="repository:a:pull"`,
		w.Header().Get("WWW-Authenticate"))
	require.Equal(t, map[Kind]int{Unauthorized: 1}, f.Counts().Requests)
}
