package registry

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestABlobThatIsNotThereIsAskedForOnceMore(t *testing.T) {
	t.Parallel()
	for missing, wanted := range map[int32]int32{1: 2, 2: 2} { // times missing: times asked
		var asked atomic.Int32
		host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) <= missing {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = io.WriteString(w, "content")
		})
		body, err := source(t, newClient(t), host+"/a", plainly).Blob(t.Context(), blob("content"))
		if missing == 1 {
			require.NoError(t, err)
			require.NoError(t, body.Close())
		} else {
			requireFault(t, err, fault.NotFound)
		}
		require.Equal(t, wanted, asked.Load())
	}
}

func TestAManifestThatComesCorruptedIsReadOnceMore(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	var asked atomic.Int32
	server.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if asked.Add(1) > 1 {
			return false
		}
		w.Header().Set("Content-Type", image.MediaType)
		_, _ = io.WriteString(w, "{")
		return true
	})
	m, err := source(t, newClient(t), server.Host()+"/a", plainly).Manifest(t.Context(), image.Digest().String())
	require.NoError(t, err)
	require.Equal(t, image.Manifest, m.Bytes)
	require.EqualValues(t, 2, asked.Load())
}
