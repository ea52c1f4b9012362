package registrytest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Serve answers with handler, one request at a time, as a registry that is nothing
// else. It gives the host to name it by, and ends with the test.
func Serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	var one sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		one.Lock()
		defer one.Unlock()
		handler(w, req)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
