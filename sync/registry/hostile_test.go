package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

func TestARegistryThatIsNeverContentWithATokenIsAskedThreeTimes(t *testing.T) {
	t.Parallel()
	var asked, tokens atomic.Int32
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			_, _ = fmt.Fprintf(w, `{"token":"t%d"}`, tokens.Add(1))
			return
		}
		n := asked.Add(1)
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s",scope="repository:other%d:pull"`, req.Host, n))
		w.WriteHeader(http.StatusUnauthorized)
	})
	c, _ := newClient(t)

	_, err := source(t, c, host+"/a", plainly).Manifest(t.Context(), "1")

	requireFault(t, err, fault.Unauthorized, "requested access to the resource is denied")
	require.LessOrEqual(t, asked.Load(), int32(maxExchanges))
	require.LessOrEqual(t, tokens.Load(), int32(maxExchanges))
}

func TestCredentialsStayWithTheHostThatAListIsRedirectedFrom(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	elsewhere := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			leaked.Store(true)
		}
		w.Header().Set("Link", `</v2/a/tags/list?last=1>; rel="next"`)
		_ = json.NewEncoder(w).Encode(map[string]any{"tags": []string{"1"}})
	})
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, req, "http://"+elsewhere+req.URL.Path, http.StatusTemporaryRedirect)
	})
	c, _ := newClient(t)

	_, err := source(t, c, host+"/a", Access{TLSVerify: types.OptionalBoolFalse, Username: "ci", Password: "secret"}).Tags(t.Context())

	require.Error(t, err)
	require.False(t, leaked.Load())
}
