package transport

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestARegistryThatIsNeverContentWithATokenIsAskedThreeTimes(t *testing.T) {
	t.Parallel()
	var asked, tokens atomic.Int32
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			_, _ = fmt.Fprintf(w, `{"token":"t%d"}`, tokens.Add(1))
			return
		}
		n := asked.Add(1)
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s",scope="repository:other%d:pull"`, req.Host, n))
		w.WriteHeader(http.StatusUnauthorized)
	})
	s, _ := newSession(t)

	err := source(t, s, host+"/a", plainly).Resolve(t.Context(), "1")

	requireFault(t, err, fault.Unauthorized, "requested access to the resource is denied")
	require.LessOrEqual(t, asked.Load(), int32(maxExchanges))
	require.LessOrEqual(t, tokens.Load(), int32(maxExchanges))
}

func TestAChallengeIsTakenFromTheRegistryAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			asked.Add(1)
			_, _ = io.WriteString(w, `{"token":"x"}`)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+req.Host+`/token",service="s"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "http://"+elsewhere+req.URL.Path, http.StatusTemporaryRedirect)
	})
	s, _ := newSession(t)

	err := source(t, s, host+"/a", asUser(plainly)).Resolve(t.Context(), "1")

	requireFault(t, err, fault.Unauthorized)
	require.Zero(t, asked.Load())
}
