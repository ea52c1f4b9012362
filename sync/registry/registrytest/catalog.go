package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

const catalogPath = "/v2/_catalog"

// catalog adds to a registry without one the list of the repositories that
// manifests were put to.
type catalog struct {
	content http.Handler

	mu           sync.Mutex
	repositories []string // sorted
}

func (c *catalog) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == catalogPath {
		c.list(w, req)
		return
	}
	if kindOf(req, 0) == ManifestPut {
		c.add(repositoryOf(req.URL.Path))
	}
	c.content.ServeHTTP(w, req)
}

func (c *catalog) add(repository string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, found := slices.BinarySearch(c.repositories, repository); !found {
		c.repositories = slices.Insert(c.repositories, i, repository)
	}
}

// list answers in pages as distribution's "Catalog" does: n entries after last,
// and a Link to the next page.
func (c *catalog) list(w http.ResponseWriter, req *http.Request) {
	c.mu.Lock()
	page := slices.Clone(c.repositories)
	c.mu.Unlock()
	if last := req.URL.Query().Get("last"); last != "" {
		page = slices.DeleteFunc(page, func(repository string) bool { return repository <= last })
	}
	if n, err := strconv.Atoi(req.URL.Query().Get("n")); err == nil && n > 0 && n < len(page) {
		page = page[:n]
		next := url.Values{"n": {strconv.Itoa(n)}, "last": {page[n-1]}}
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, catalogPath, next.Encode()))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]string{"repositories": page}) // the client may be gone
}
