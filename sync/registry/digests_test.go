package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// sums are digests for tests.
var sums = []digest.Digest{digest.FromString("0"), digest.FromString("1"), digest.FromString("2")}

// googleTags answers as Google's registries document their tags/list.
func googleTags(w http.ResponseWriter) {
	_ = json.NewEncoder(w).Encode(map[string]any{
		"name": "p/a", "child": []string{}, "tags": []string{"1", "2", "latest"},
		"manifest": map[digest.Digest]any{
			sums[1]: map[string]any{"imageSizeBytes": "10", "layerId": "", "mediaType": "application/vnd.oci.image.manifest.v1+json", "tag": []string{"1"}, "timeCreatedMs": "0"},
			sums[2]: map[string]any{"imageSizeBytes": "10", "tag": []string{"2", "latest"}},
			sums[0]: map[string]any{"imageSizeBytes": "10", "tag": []string{}},
		},
	})
}

func TestDigestsThatARegistryListsWithItsTagsNeedNoFurtherRequest(t *testing.T) {
	t.Parallel()
	asked := 0
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		googleTags(w)
	})
	c := newClient(t)
	r := source(t, c, host+"/p/a", plainly)
	require.Empty(t, r.Digests(t.Context()))
	require.Empty(t, r.Untagged())

	tags, err := r.Tags(t.Context())

	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "latest"}, tags)
	require.Equal(t, map[string]digest.Digest{"1": sums[1], "2": sums[2], "latest": sums[2]}, r.Digests(t.Context()))
	require.Equal(t, []digest.Digest{sums[0]}, r.Untagged())
	require.Equal(t, 1, asked)
}

// quay answers as Quay documents its tag API, and sends for tokens where Quay
// does.
func quay(count int, api int) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/v2/auth":
			_, _ = fmt.Fprint(w, `{"token":"t"}`)
		case strings.HasPrefix(req.URL.Path, "/api/v1/repository/ns/a/tag/") && api != http.StatusOK:
			w.WriteHeader(api)
		case strings.HasPrefix(req.URL.Path, "/api/v1/repository/ns/a/tag/"):
			quayTags(w, req, count)
		case req.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/v2/auth",service="quay"`, req.Host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"name": "ns/a", "tags": []string{"t0"}})
		}
	}
}

func quayTags(w http.ResponseWriter, req *http.Request, count int) {
	var number int
	_, _ = fmt.Sscan(req.URL.Query().Get("page"), &number)
	var tags []map[string]any
	for i := (number - 1) * 100; i < min(number*100, count); i++ {
		tags = append(tags, map[string]any{"name": fmt.Sprintf("t%d", i), "manifest_digest": sums[i%3], "is_manifest_list": false, "reversion": false})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"tags": tags, "page": number, "has_additional": number*100 < count})
}

func TestQuaysOwnListGivesTheDigestsOfAHundredTagsAtATime(t *testing.T) {
	t.Parallel()
	pages := 0
	answer := quay(250, http.StatusOK)
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/api/") {
			pages++
		}
		answer(w, req)
	})
	c := newClient(t)
	r := source(t, c, host+"/ns/a", plainly)
	_, err := r.Tags(t.Context())
	require.NoError(t, err)

	found := r.Digests(t.Context())

	require.Len(t, found, 250)
	require.Equal(t, sums[249%3], found["t249"])
	require.Equal(t, 3, pages)
}

func TestAQuayThatKeepsItsListToItselfIsAskedOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	answer := quay(1, http.StatusForbidden)
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/api/") {
			asked++
		}
		answer(w, req)
	})
	c := newClient(t)
	r := source(t, c, host+"/ns/a", plainly)
	_, err := r.Tags(t.Context())
	require.NoError(t, err)

	require.Empty(t, r.Digests(t.Context()))
	require.Empty(t, r.Digests(t.Context()))
	require.Equal(t, 1, asked)
}
