package registry

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func pushAll(t *testing.T, r *Repository, contents ...string) []bool {
	t.Helper()
	var all []bool
	for _, content := range contents {
		pushed, err := r.Push(t.Context(), blob(content), func() ([]byte, error) { return []byte(content), nil })
		require.NoError(t, err)
		all = append(all, pushed)
	}
	return all
}

func requireBlobs(t *testing.T, r *Repository, contents ...string) {
	t.Helper()
	for _, content := range contents {
		_, has, err := r.HasBlob(t.Context(), blob(content).Digest)
		require.NoError(t, err)
		require.True(t, has, content)
	}
}

func TestASmallBlobIsOneRequestWhereTheRegistryTakesIt(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.SinglePost(), registrytest.Token("ci", "secret"))
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", asUser(plainly))

	require.Equal(t, []bool{true, true, true}, pushAll(t, r, "one", "two", ""))

	require.Equal(t, 3, server.Count(registrytest.UploadSingle))
	require.Equal(t, 1, server.Count(registrytest.BlobHead)) // the first answer is made sure of
	require.Zero(t, server.Count(registrytest.UploadStart)+server.Count(registrytest.UploadFinish))
	requireBlobs(t, r, "one", "two", "")
}

func TestARegistryThatOpensASessionInsteadIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)

	require.Equal(t, []bool{true, false}, pushAll(t, r, "one", "two"))

	require.Equal(t, 1, server.Count(registrytest.UploadStart))
	require.Equal(t, 1, server.Count(registrytest.UploadFinish)) // in the session that was opened
	requireBlobs(t, r, "one")
}

func TestWhateverElseARegistryAnswersTheBlobGoesInTwoRequests(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{
		"says no": http.StatusMethodNotAllowed, "breaks": http.StatusInternalServerError, "says yes and drops it": http.StatusCreated,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.Start(t)
			server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPost || !req.URL.Query().Has("digest") {
					return false
				}
				w.WriteHeader(status)
				return true
			})
			c := newClient(t)
			r := destination(t, c, server.Host()+"/a", plainly)

			require.Equal(t, []bool{true, false}, pushAll(t, r, "one", "two"))

			requireBlobs(t, r, "one")
		})
	}
}

func TestABlobThatCannotBeReadFindsNothingOut(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.SinglePost())
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)
	broken := errors.New("broken")

	pushed, err := r.Push(t.Context(), v1.Descriptor{}, func() ([]byte, error) { return nil, broken })

	require.False(t, pushed)
	require.Equal(t, broken, err)
	require.Equal(t, []bool{true}, pushAll(t, r, "one"))
	require.Equal(t, 1, server.Count(registrytest.UploadSingle))
}

func TestASessionThatKeptWhatOpenedItIsGivenUpForANewOne(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	const appended = "/v2/a/blobs/uploads/appended"
	var deleted atomic.Int32
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case req.Method == http.MethodPost && req.URL.Query().Has("digest"):
			w.Header().Set("Location", appended)
			w.WriteHeader(http.StatusAccepted)
		case req.Method == http.MethodPut && req.URL.Path == appended:
			http.Error(w, `{"errors":[{"code":"DIGEST_INVALID"}]}`, http.StatusBadRequest)
		case req.Method == http.MethodGet && req.URL.Path == appended:
			w.WriteHeader(http.StatusMethodNotAllowed) // which says nothing of the session
		case req.Method == http.MethodDelete && req.URL.Path == appended:
			deleted.Add(1)
			w.WriteHeader(http.StatusNoContent)
		default:
			return false
		}
		return true
	})
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)

	require.Equal(t, []bool{true, false}, pushAll(t, r, "one", "two"))

	requireBlobs(t, r, "one")
	require.EqualValues(t, 1, deleted.Load())
}

func TestOneFailureThatPassesDecidesNothing(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(http.ResponseWriter){
		"too many requests":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"a broken connection": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.Start(t, registrytest.SinglePost())
			var posts atomic.Int32
			server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPost || posts.Add(1) > 1 {
					return false
				}
				fail(w)
				return true
			})
			c := newClient(t)
			r := destination(t, c, server.Host()+"/a", plainly)
			requireNoBlob(t, r, "one")

			require.Equal(t, []bool{true, true, true}, pushAll(t, r, "one", "two", "three"))

			require.Equal(t, 2, server.Count(registrytest.UploadSingle), server.Counts())
			requireBlobs(t, r, "one", "two", "three")
		})
	}
}

func requireNoBlob(t *testing.T, r *Repository, content string) {
	t.Helper()
	_, has, err := r.HasBlob(t.Context(), blob(content).Digest)
	require.NoError(t, err)
	require.False(t, has)
}
