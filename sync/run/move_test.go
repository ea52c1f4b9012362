package run

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

// uploading is a mover of blobs to the registry that tries each three times, and
// the repository.
func uploading(t *testing.T, r *registrytest.Registry) (*stepBlobs, *registry.Repository) {
	t.Helper()
	way := transport.New(transport.Options{Retries: -1})
	t.Cleanup(way.Close)
	named, err := reference.ParseNormalizedNamed(r.Host() + "/app")
	require.NoError(t, err)
	repository, err := registry.NewClient(way, registry.Options{}).Destination(named, transport.Access{TLSVerify: types.OptionalBoolFalse})
	require.NoError(t, err)
	location, err := image.InRegistry(repository, "1")
	require.NoError(t, err)
	step := &plan.Step{Wish: plan.Wish{Destination: location}}
	return newBlobs(3, listeners(nil)).forStep(&batch{chains: [][]*plan.Step{{step}}}, step), repository
}

func TestABlobThatFailsOnceForWhatPassesArrives(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("large ", registry.MaxSingle) // so that it is streamed
	for name, c := range map[string]struct {
		content string
		status  int                 // of the first PUT; 0 lets it through
		first   func(string) string // what the source gives at first
	}{
		"its session is forgotten":        {large, http.StatusNotFound, nil},
		"its session is, as olareg says":  {large, http.StatusBadRequest, nil},
		"its token is no longer accepted": {large, http.StatusUnauthorized, nil},
		"a small one's session is":        {"small", http.StatusNotFound, nil},
		"it comes corrupted":              {large, 0, func(s string) string { return "X" + s[1:] }},
		"it comes cut":                    {large, 0, func(s string) string { return s[1:] }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destination := registrytest.Start(t)
			var puts, opened atomic.Int64
			destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPut || puts.Add(1) > 1 || c.status == 0 {
					return false
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`)
				return true
			})
			mover, repository := uploading(t, destination)
			sum := digest.FromString(c.content)

			err := mover.Move(t.Context(), image.Blob{
				Descriptor:  v1.Descriptor{Digest: sum, Size: int64(len(c.content))},
				Destination: repository, Fresh: true,
				Open: func(context.Context) (io.ReadCloser, error) {
					content := c.content
					if opened.Add(1) == 1 && c.first != nil {
						content = c.first(content)
					}
					return io.NopCloser(strings.NewReader(content)), nil
				},
			})

			require.NoError(t, err)
			require.True(t, destination.HasBlob(t, "app", sum))
			require.LessOrEqual(t, opened.Load(), int64(2))
			require.LessOrEqual(t, puts.Load(), int64(2))
		})
	}
}

func TestABlobIsTriedAgainOnlyWhereTheFailureMayPass(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("large ", registry.MaxSingle) // so that it is streamed
	for name, c := range map[string]struct {
		status   int // 0 breaks the connection
		attempts int
	}{
		"broken off": {0, 3},
		"refused":    {http.StatusForbidden, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destination := registrytest.Start(t)
			destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPut {
					return false
				}
				if c.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(c.status)
				return true
			})
			mover, repository := uploading(t, destination)
			var opened atomic.Int64

			err := mover.Move(t.Context(), image.Blob{
				Descriptor:  v1.Descriptor{Digest: digest.FromString(content), Size: int64(len(content))},
				Destination: repository, Fresh: true,
				Open: func(context.Context) (io.ReadCloser, error) {
					opened.Add(1)
					return io.NopCloser(strings.NewReader(content)), nil
				},
			})

			require.Error(t, err)
			require.Equal(t, fault.Destination, fault.SideOf(err))
			require.EqualValues(t, c.attempts, opened.Load())
			require.Equal(t, c.attempts, mover.attempts())
		})
	}
}
