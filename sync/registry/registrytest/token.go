package registrytest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const tokenPath = "/token"

// access maps a scope's "type:name" to the actions allowed on it.
type access map[string][]string

type tokenAuth struct {
	basicAuth
	url, service  string
	expiresIn     int
	anonymousPull bool

	mu     sync.Mutex
	issued map[string]grant
}

type grant struct {
	access  access
	expires time.Time
}

func newTokenAuth(registryURL string, o options) *tokenAuth {
	return &tokenAuth{
		basicAuth:     basicAuth{o.user, o.password},
		url:           registryURL + tokenPath,
		service:       strings.TrimPrefix(strings.TrimPrefix(registryURL, "http://"), "https://"),
		expiresIn:     o.expiresIn,
		anonymousPull: o.anonymousPull,
		issued:        map[string]grant{},
	}
}

// ExpireTokens ends the life of all tokens that were issued so far.
func (r *Registry) ExpireTokens() {
	if a, ok := r.auth.(*tokenAuth); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		clear(a.issued)
	}
}

func (a *tokenAuth) admit(w http.ResponseWriter, req *http.Request) bool {
	if req.URL.Path == tokenPath {
		a.answer(w, req)
		return false
	}
	needed := neededBy(req)
	if a.allows(req, needed) {
		return true
	}
	challenge := fmt.Sprintf(`Bearer realm=%q,service=%q`, a.url, a.service)
	if scopes := needed.scopes(); len(scopes) > 0 {
		challenge += fmt.Sprintf(`,scope=%q`, strings.Join(scopes, " "))
	}
	if req.Header.Get("Authorization") != "" {
		challenge += `,error="insufficient_scope"`
	}
	refuse(w, challenge)
	return false
}

// allows reports whether the request brings a live token that covers needed.
func (a *tokenAuth) allows(req *http.Request, needed access) bool {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	a.mu.Lock()
	defer a.mu.Unlock()
	known, found := a.issued[token]
	if !found || time.Now().After(known.expires) {
		return false
	}
	for name, actions := range needed {
		for _, action := range actions {
			if !slices.Contains(known.access[name], action) {
				return false
			}
		}
	}
	return true
}

// answer is the token endpoint: GET with basic credentials, or POST with a form
// (distribution's "OAuth2 Token Authentication").
func (a *tokenAuth) answer(w http.ResponseWriter, req *http.Request) {
	if err := req.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	known := a.knows(req) || a.match(req.PostForm.Get("username"), req.PostForm.Get("password"))
	anonymous := a.anonymousPull && req.Header.Get("Authorization") == "" && req.Method == http.MethodGet
	if !known && !anonymous {
		refuse(w, `Basic realm="registrytest"`)
		return
	}
	wanted := parseScopes(req.Form)
	if !known {
		wanted = wanted.pullOnly()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a.issue(wanted)) // the client may be gone
}

func (a *tokenAuth) issue(allowed access) map[string]any {
	token, life := rand.Text(), 60*time.Second
	answer := map[string]any{"token": token, "access_token": token}
	if a.expiresIn > 0 {
		answer["expires_in"] = a.expiresIn
		life = time.Duration(a.expiresIn) * time.Second
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issued[token] = grant{allowed, time.Now().Add(life)}
	return answer
}

// neededBy is what a request needs to be allowed to do.
func neededBy(req *http.Request) access {
	if req.URL.Path == catalogPath {
		return access{"registry:catalog": {"*"}}
	}
	repository := repositoryOf(req.URL.Path)
	if repository == "" {
		return nil
	}
	needed := access{"repository:" + repository: {"pull", "push"}}
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		needed["repository:"+repository] = []string{"pull"}
	case http.MethodDelete:
		needed["repository:"+repository] = []string{"delete"}
	case http.MethodPost:
		if source := req.URL.Query().Get("from"); source != "" && source != repository {
			needed["repository:"+source] = []string{"pull"}
		}
	}
	return needed
}

// parseScopes reads "repository:a/b:pull,push", which may be repeated and may
// hold several, separated by spaces.
func parseScopes(form url.Values) access {
	wanted := access{}
	for _, scope := range strings.Fields(strings.Join(form["scope"], " ")) {
		if i := strings.LastIndex(scope, ":"); i > 0 {
			wanted[scope[:i]] = append(wanted[scope[:i]], strings.Split(scope[i+1:], ",")...)
		}
	}
	return wanted
}

func (a access) pullOnly() access {
	allowed := access{}
	for name, actions := range a {
		if slices.Contains(actions, "pull") {
			allowed[name] = []string{"pull"}
		}
	}
	return allowed
}

func (a access) scopes() []string {
	var scopes []string
	for name, actions := range a {
		scopes = append(scopes, name+":"+strings.Join(actions, ","))
	}
	slices.Sort(scopes)
	return scopes
}
