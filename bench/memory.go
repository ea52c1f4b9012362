package main

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
)

// memory is olareg in this process, which costs so little that the client is
// what is measured. Only what olareg says of a tag takes the longer the more
// tags there are, so that it is not asked: what was pushed is remembered.
type memory struct {
	registry atomic.Pointer[olareg.Server]
	heads    atomic.Pointer[sync.Map] // http.Header of the answer to HEAD, by path
}

func (m *memory) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	repository, _, manifest := strings.Cut(req.URL.Path, "/manifests/")
	heads, registry := m.heads.Load(), m.registry.Load()
	switch {
	case !manifest || req.Method == http.MethodGet:
		registry.ServeHTTP(w, req)
	case req.Method == http.MethodHead:
		known, found := heads.Load(req.URL.Path)
		if !found {
			registry.ServeHTTP(w, req)
			return
		}
		maps.Copy(w.Header(), known.(http.Header))
		w.WriteHeader(http.StatusOK)
	default:
		heads.Delete(req.URL.Path)
		registry.ServeHTTP(w, req)
		digest := w.Header().Get("Docker-Content-Digest")
		if req.Method != http.MethodPut || digest == "" || req.ContentLength < 0 {
			return
		}
		said := http.Header{
			"Content-Type":          {req.Header.Get("Content-Type")},
			"Content-Length":        {strconv.FormatInt(req.ContentLength, 10)},
			"Docker-Content-Digest": {digest},
		}
		heads.Store(req.URL.Path, said)
		heads.Store(repository+"/manifests/"+digest, said)
	}
}

func (m *memory) empty(context.Context) error {
	yes, no := true, false
	c := config.Config{Storage: config.ConfigStorage{StoreType: config.StoreMem}}
	c.Storage.GC = config.ConfigGC{Frequency: -1, RepoUploadMax: -1, EmptyRepo: &no}
	c.API.Manifest.SparseIndex = &yes // regsync sends an index with some of its children
	old := m.registry.Swap(olareg.New(c))
	m.heads.Store(&sync.Map{})
	if old != nil {
		return old.Close()
	}
	return nil
}

func (m *memory) close() { _ = m.empty(context.Background()) }
