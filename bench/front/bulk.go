package front

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// bulk adds to each list of tags what they are, as Google's registries do.
type bulk struct {
	content http.Handler

	mu    sync.Mutex
	known map[string]string // manifest's path -> its digest; tags do not move here
}

func (b *bulk) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	repository, list := strings.CutSuffix(req.URL.Path, "/tags/list")
	if !list {
		b.content.ServeHTTP(w, req)
		return
	}
	answer := httptest.NewRecorder()
	b.content.ServeHTTP(answer, req)
	var page map[string]any
	if answer.Code != http.StatusOK || json.Unmarshal(answer.Body.Bytes(), &page) != nil {
		w.WriteHeader(answer.Code)
		return
	}
	page["child"], page["manifest"] = []string{}, b.manifests(req, repository, page["tags"])
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	_ = json.NewEncoder(w).Encode(page) // a client that is gone needs none
}

// manifests are the tags by digest.
func (b *bulk) manifests(req *http.Request, repository string, tags any) map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[string]string{}
	}
	named := map[string][]string{}
	listed, _ := tags.([]any)
	for _, tag := range listed {
		name, _ := tag.(string)
		path := repository + "/manifests/" + name
		if b.known[path] == "" {
			b.known[path] = b.digest(req, path)
		}
		named[b.known[path]] = append(named[b.known[path]], name)
	}
	manifests := map[string]any{}
	for digest, names := range named {
		manifests[digest] = map[string]any{"tag": names, "imageSizeBytes": "0", "layerId": "", "mediaType": "application/vnd.oci.image.manifest.v1+json"}
	}
	return manifests
}

func (b *bulk) digest(req *http.Request, path string) string {
	ask := httptest.NewRequestWithContext(req.Context(), http.MethodHead, path, nil)
	ask.Header.Set("Accept", "application/vnd.oci.image.manifest.v1+json")
	answer := httptest.NewRecorder()
	b.content.ServeHTTP(answer, ask)
	return answer.Header().Get("Docker-Content-Digest")
}
