package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
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

func TestAManifestOfCountlessPartsIsNotDecoded(t *testing.T) { // by itself: others allocate as well
	body := `{"schemaVersion":2,"manifests":[{}` + strings.Repeat(",{}", 1_390_000) + `]}`
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	r := source(t, newClient(t), host+"/a", plainly)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	_, err := r.Manifest(t.Context(), "1")

	runtime.ReadMemStats(&after)
	requireFault(t, err, fault.Unsupported, "more than 250000 parts")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
}

func TestABlobOfUnknownSizeHasAnEnd(t *testing.T) {
	t.Parallel()
	body := &limited{io.NopCloser(zeros{}), 1 << 20}
	n, err := io.Copy(io.Discard, body)
	require.LessOrEqual(t, n, int64(1<<20))
	require.ErrorContains(t, err, "the blob has more bytes than the registry says")

	cut := true
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if cut {
			cut = false
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "half")
			return
		}
		w.Header().Set("Content-Range", "bytes 4-*/*")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.Copy(w, zeros{})
	})
	opened, err := source(t, newClient(t), host+"/a", plainly).Blob(t.Context(), v1.Descriptor{Digest: digest.FromString("x"), Size: -1})
	require.NoError(t, err)
	n, err = io.Copy(io.Discard, opened)
	require.NoError(t, opened.Close())
	require.LessOrEqual(t, n, int64(8))
	require.ErrorContains(t, err, "the blob has more bytes than the registry says")
}

// zeros are without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
