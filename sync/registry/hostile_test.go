package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
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

func TestAChallengeIsTakenFromTheRegistryAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/token" {
			asked.Add(1)
			_, _ = io.WriteString(w, `{"token":"x"}`)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+req.Host+`/token",service="s"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "http://"+elsewhere+req.URL.Path, http.StatusTemporaryRedirect)
	})
	c, _ := newClient(t)

	_, err := source(t, c, host+"/a", asUser(plainly)).Manifest(t.Context(), "1")

	requireFault(t, err, fault.Unauthorized)
	require.Zero(t, asked.Load())
}

func TestAListOfNamesHasAnEnd(t *testing.T) {
	t.Parallel()
	page := make([]string, maxNames+1)
	for i := range page {
		page[i] = strconv.Itoa(i)
	}
	require.NoError(t, new(listing).add(page[:maxNames]))

	err := new(listing).add(page)

	requireFault(t, err, fault.Unsupported, "more than 1000000 names")
}

func TestAListOfReferrersHasAnEnd(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	referrers, count := make([]v1.Descriptor, maxListed+1), maxListed
	for i := range referrers {
		referrers[i] = image.Descriptor()
	}
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", v1.MediaTypeImageIndex)
		_ = json.NewEncoder(w).Encode(v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: referrers[:count]})
	})
	c, _ := newClient(t)
	r := source(t, c, host+"/a", plainly)
	listed, err := r.Referrers(t.Context(), image.Digest())
	require.NoError(t, err)
	require.Len(t, listed, maxListed)

	count++
	_, err = r.Referrers(t.Context(), image.Digest())

	requireFault(t, err, fault.Unsupported, "more than 10000 referrers")
}
