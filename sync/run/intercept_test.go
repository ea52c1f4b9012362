package run_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"csync/sync/registry/registrytest"
)

// matching reports whether a request is of a kind; those that only the answer
// tells apart are matched by what was asked.
func matching(kind registrytest.Kind, req *http.Request) bool {
	path, upload := req.URL.Path, strings.Contains(req.URL.Path, "/blobs/uploads/")
	switch kind {
	case registrytest.UploadStart:
		return upload && req.Method == http.MethodPost
	case registrytest.Mount:
		return upload && req.Method == http.MethodPost && req.URL.Query().Has("mount")
	case registrytest.UploadFinish:
		return upload && req.Method == http.MethodPut
	case registrytest.ManifestPut:
		return strings.Contains(path, "/manifests/") && req.Method == http.MethodPut
	case registrytest.ManifestGet:
		return strings.Contains(path, "/manifests/") && req.Method == http.MethodGet
	case registrytest.ManifestHead:
		return strings.Contains(path, "/manifests/") && req.Method == http.MethodHead
	case registrytest.BlobGet:
		return strings.Contains(path, "/blobs/") && !upload && req.Method == http.MethodGet
	case registrytest.TagList:
		return strings.HasSuffix(path, "/tags/list")
	}
	return false
}

// answering answers requests of a kind with an error of the distribution
// specification.
func answering(kind registrytest.Kind, status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !matching(kind, req) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"as the test wants"}]}`, code)
		return true
	}
}

// gate lets requests of a kind wait until it is opened.
type gate struct {
	reached chan struct{} // closed when the first request waits
	opened  chan struct{}
	once    sync.Once
}

// hold makes the registry's requests of a kind wait at a gate, which the end of
// the test opens at the latest.
func hold(t *testing.T, registry *registrytest.Registry, matches func(*http.Request) bool) *gate {
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	var first sync.Once
	registry.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if matches(req) {
			first.Do(func() { close(g.reached) })
			select {
			case <-g.opened:
			case <-req.Context().Done():
			}
		}
		return false
	})
	t.Cleanup(g.open)
	return g
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

const artifactManifest = "application/vnd.oci.artifact.manifest.v1+json"

// serving answers for a manifest that is under a tag and under its digest.
func serving(image registrytest.Image, tag string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		asked := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
		if !strings.Contains(req.URL.Path, "/manifests/") || asked != tag && asked != image.Digest().String() {
			return false
		}
		w.Header().Set("Content-Type", image.MediaType)
		w.Header().Set("Docker-Content-Digest", image.Digest().String())
		w.Header().Set("Content-Length", strconv.Itoa(len(image.Manifest)))
		if req.Method == http.MethodGet {
			_, _ = w.Write(image.Manifest)
		}
		return true
	}
}

// taking takes a manifest of a type that the registry does not know.
func taking(image registrytest.Image, written *bytes.Buffer) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !matching(registrytest.ManifestPut, req) || req.Header.Get("Content-Type") != image.MediaType {
			return false
		}
		_, _ = written.ReadFrom(req.Body)
		w.Header().Set("Docker-Content-Digest", image.Digest().String())
		w.WriteHeader(http.StatusCreated)
		return true
	}
}
