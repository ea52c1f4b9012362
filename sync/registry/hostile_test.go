package registry

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func TestCredentialsStayWithTheHostThatAListIsRedirectedFrom(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	elsewhere := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			leaked.Store(true)
		}
		w.Header().Set("Link", `</v2/a/tags/list?last=1>; rel="next"`)
		_ = json.NewEncoder(w).Encode(map[string]any{"tags": []string{"1"}})
	})
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, req, "http://"+elsewhere+req.URL.Path, http.StatusTemporaryRedirect)
	})
	c := newClient(t)

	_, err := source(t, c, host+"/a", transport.Access{TLSVerify: types.OptionalBoolFalse, Username: "ci", Password: "secret"}).Tags(t.Context())

	require.Error(t, err)
	require.False(t, leaked.Load())
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
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", v1.MediaTypeImageIndex)
		_ = json.NewEncoder(w).Encode(v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: referrers[:count]})
	})
	c := newClient(t)
	r := source(t, c, host+"/a", plainly)
	listed, err := r.Referrers(t.Context(), image.Digest())
	require.NoError(t, err)
	require.Len(t, listed, maxListed)

	count++
	_, err = r.Referrers(t.Context(), image.Digest())

	requireFault(t, err, fault.Unsupported, "more than 10000 referrers")
}
