package registrytest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestDistributionIsCountedAndChecksPasswordsItself(t *testing.T) {
	t.Parallel()
	r := registrytest.Distribution(t, registrytest.Basic("ci", "secret"), registrytest.TLS())
	image := registrytest.RandomImage(1)
	r.Push(t, "a/b", "1", image)

	c, v2 := client(t, r), r.URL()+"/v2/"
	refused, _ := ask(t, c, http.MethodGet, v2+"a/b/manifests/1")
	require.Equal(t, `Basic realm="registrytest"`, refused.Header.Get("WWW-Authenticate"))
	refused, _ = ask(t, c, http.MethodGet, v2+"a/b/manifests/1", basic("wrong"))
	require.Equal(t, http.StatusUnauthorized, refused.StatusCode)
	mounted, _ := ask(t, c, http.MethodPost, v2+"c/blobs/uploads/?from=a/b&mount="+image.Blobs[1].Digest().String(), basic("secret"))
	require.Equal(t, r.URL()+"/v2/c/blobs/"+image.Blobs[1].Digest().String(), mounted.Header.Get("Location"))
	ask(t, c, http.MethodGet, v2+"a/b/blobs/"+image.Blobs[1].Digest().String(), basic("secret"))

	require.Equal(t, "blob-get 1\nmount 1\nunauthorized 2\n", r.Counts())
	require.Equal(t, image.Blobs[1].Size(), r.BlobBytesRead())
	require.Equal(t, 1, r.Connections())
}

func TestDistributionRefusesAnIndexWithoutItsChildren(t *testing.T) {
	t.Parallel()
	r := registrytest.Distribution(t)
	index := registrytest.MultiPlatform(1, "linux/amd64")
	index.Children = nil
	require.ErrorContains(t, r.Put("a", "1", index), "MANIFEST_BLOB_UNKNOWN")
}

func TestDistributionAsksForTokensAtTheFront(t *testing.T) {
	t.Parallel()
	r := registrytest.Distribution(t, registrytest.Token("ci", "secret"))
	r.Push(t, "a", "1", registrytest.RandomImage(1))
	pull, _ := token(t, r, "repository:a:pull", basic("secret"))
	answer, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/a/tags/list", bearer(pull))
	require.Equal(t, http.StatusOK, answer.StatusCode)
}
