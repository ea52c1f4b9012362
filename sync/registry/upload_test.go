package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestEmptyBlobIsWritten(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	require.NoError(t, upload.Finish(t.Context(), blob(""), strings.NewReader("")))
	require.True(t, server.HasBlob(t, "a", blob("").Digest))
}

func TestMountThatIsNotDoneGivesAnUpload(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"session": 0, "denied": http.StatusForbidden, "not known": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.Start(t)
			server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if status != 0 && req.URL.Query().Has("mount") {
					w.WriteHeader(status)
					return true
				}
				return false
			})
			c := newClient(t)
			r := destination(t, c, server.Host()+"/a", plainly)
			upload, err := r.Mount(t.Context(), blob("content").Digest, destination(t, c, server.Host()+"/b", plainly))
			require.NoError(t, err)
			require.NotNil(t, upload)
			require.NoError(t, upload.Finish(t.Context(), blob("content"), strings.NewReader("content")))
			require.True(t, server.HasBlob(t, "a", blob("content").Digest))
		})
	}
}

func TestMountAsksForOneTokenWithBothScopes(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t)
	a, b := destination(t, c, server.Host()+"/a", asUser(plainly)), destination(t, c, server.Host()+"/b", asUser(plainly))
	for _, layer := range image.Blobs {
		upload, err := b.Mount(t.Context(), layer.Digest(), a)
		require.NoError(t, err)
		require.Nil(t, upload)
	}
	for _, request := range server.Log() {
		if request.Path == "/token" {
			require.Contains(t, request.Query, "scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull%2Cpush")
		}
	}
	require.Equal(t, 1, server.Count(registrytest.TokenRequest), server.Counts())
}

func TestUploadOfWrongContentIsRefused(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	err = upload.Finish(t.Context(), blob("content"), strings.NewReader("CONTENT"))
	require.ErrorContains(t, err, "uploading blob "+blob("content").Digest.String())
	require.False(t, server.HasBlob(t, "a", blob("content").Digest))
}

func TestUploadFailsAsItsSourceDoes(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	broken := fault.At(fault.Source, "docker://q.io/a:1", fault.New(fault.RateLimited, errors.New("enough")))
	err = upload.Finish(t.Context(), blob("content"), io.MultiReader(strings.NewReader("con"), iotest.ErrReader(broken)))
	requireFault(t, err, fault.RateLimited, "enough")
	require.Equal(t, fault.Source, fault.SideOf(err))
}

func TestRateLimitOfWrites(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	var limited atomic.Int32
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if limited.Add(1)%2 == 0 || strings.Contains(req.URL.Path, "/uploads/") && req.Method == http.MethodPut {
			return false
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)
	upload, err := r.StartUpload(t.Context())
	require.NoError(t, err)
	require.NoError(t, upload.Finish(t.Context(), blob("{}"), strings.NewReader("{}")))
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	require.NoError(t, r.PutManifest(t.Context(), "2", manifestOf(image)))
}

func TestAnUploadAfterOneWhoseTokenWasNoLongerTakenHasANewOne(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	r := destination(t, newClient(t), server.Host()+"/a", asUser(plainly))
	upload, err := r.StartUpload(t.Context())
	require.NoError(t, err)
	server.ExpireTokens()
	streamed := iotest.OneByteReader(strings.NewReader("content"))
	err = upload.Finish(t.Context(), blob("content"), streamed)
	requireFault(t, err, fault.Unauthorized)
	require.True(t, Lapsed(err))

	upload, err = r.StartUpload(t.Context())
	require.NoError(t, err)
	require.NoError(t, upload.Finish(t.Context(), blob("content"), strings.NewReader("content")))
	require.Equal(t, 2, server.Count(registrytest.TokenRequest), server.Counts())
}

func TestUploadToAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.example/upload")
		w.WriteHeader(http.StatusAccepted)
	})
	c := newClient(t)
	_, err := destination(t, c, host+"/a", plainly).StartUpload(t.Context())
	requireFault(t, err, fault.Unsupported, "another host, elsewhere.example")
}

func TestAnUploadIsAbandonedAlsoAfterAnInterruption(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()

	upload.Abandon(interrupted)

	requireFault(t, upload.Finish(t.Context(), blob("content"), strings.NewReader("content")), fault.NotFound)
}

func TestAnUploadThatWasCutIsGivenBackToEveryRegistry(t *testing.T) {
	t.Parallel()
	eachRegistry(t, func(t *testing.T, start func(...registrytest.Option) *registrytest.Registry, _ string) {
		server := start()
		upload, err := destination(t, newClient(t), server.Host()+"/a", plainly).StartUpload(t.Context())
		require.NoError(t, err)
		content := strings.Repeat("content ", 1<<18)
		cut := io.MultiReader(strings.NewReader(content[:1<<20]), iotest.ErrReader(io.ErrUnexpectedEOF))
		require.Error(t, upload.Finish(t.Context(), blob(content), cut))

		upload.Abandon(t.Context())

		_, err = upload.send(t.Context(), http.MethodGet)
		require.True(t, forgotten(err), err)
	})
}

func TestAnUploadIsGivenBackWhereItsStatusSaysItIs(t *testing.T) {
	t.Parallel()
	var asked []string
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.Method+" "+req.URL.Query().Get("at"))
		switch {
		case req.Method == http.MethodPost:
			w.Header().Set("Location", req.URL.Path+"1?at=0")
			w.WriteHeader(http.StatusAccepted)
		case req.Method == http.MethodGet:
			w.Header().Set("Location", req.URL.Path+"?at="+strconv.Itoa(len(asked)))
			w.WriteHeader(http.StatusNoContent)
		case len(asked) < 5: // it is still being written
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
	})
	upload, err := destination(t, newClient(t), host+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)

	upload.Abandon(t.Context())

	require.Equal(t, []string{"POST ", "GET 0", "DELETE 2", "GET 2", "DELETE 4"}, asked)
}
