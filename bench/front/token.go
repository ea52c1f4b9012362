package front

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const tokenPath = "/token"

// admit lets a request pass whose token covers what it does. Others get a
// challenge, and requests for tokens a token for whatever they ask: what is
// measured is how often a client asks. A token is its own scopes.
func admit(w http.ResponseWriter, req *http.Request) bool {
	if req.URL.Path == tokenPath {
		issue(w, req)
		return false
	}
	needed := neededBy(req)
	if covers(req.Header.Get("Authorization"), needed) {
		return true
	}
	scheme := "http"
	if req.TLS != nil {
		scheme = "https"
	}
	challenge := fmt.Sprintf(`Bearer realm="%s://%s%s",service=%q`, scheme, req.Host, tokenPath, req.Host)
	if len(needed) > 0 {
		challenge += fmt.Sprintf(",scope=%q", strings.Join(needed, " "))
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED"}]}`)) // the client may be gone
	return false
}

// issue answers GET with a query and POST with a form, as OAuth2 clients send it.
func issue(w http.ResponseWriter, req *http.Request) {
	if err := req.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	scopes := strings.Join(req.Form["scope"], " ")
	token := "t" + base64.RawURLEncoding.EncodeToString([]byte(scopes))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "access_token": token, "expires_in": 3600})
}

// neededBy is the scopes that a request needs, "repository:NAME:ACTION,…".
func neededBy(req *http.Request) []string {
	repository := repositoryOf(req.URL.Path)
	if repository == "" {
		return nil
	}
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return []string{"repository:" + repository + ":pull"}
	}
	needed := []string{"repository:" + repository + ":pull,push"}
	if source := req.URL.Query().Get("from"); source != "" && source != repository {
		needed = append(needed, "repository:"+source+":pull")
	}
	return needed
}

// covers reports whether a header brings a token for all that is needed.
func covers(header string, needed []string) bool {
	token, found := strings.CutPrefix(header, "Bearer t")
	if !found {
		return false
	}
	scopes, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return false
	}
	granted := actions(strings.Fields(string(scopes)))
	for name, wanted := range actions(needed) {
		for _, action := range wanted {
			if !slices.Contains(granted[name], action) {
				return false
			}
		}
	}
	return true
}

// actions maps each scope's "type:name" to its actions.
func actions(scopes []string) map[string][]string {
	allowed := map[string][]string{}
	for _, scope := range scopes {
		if i := strings.LastIndex(scope, ":"); i > 0 {
			allowed[scope[:i]] = append(allowed[scope[:i]], strings.Split(scope[i+1:], ",")...)
		}
	}
	return allowed
}

// repositoryOf is the repository that a path of the API names, or "".
func repositoryOf(path string) string {
	path, found := strings.CutPrefix(path, "/v2/")
	if !found {
		return ""
	}
	for _, endpoint := range []string{"/manifests/", "/blobs/", "/referrers/", "/tags/list"} {
		if i := strings.LastIndex(path, endpoint); i > 0 {
			return path[:i]
		}
	}
	return ""
}
