package run_test

import (
	"net/http"
	"path"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// once lets answer see the first request of a kind for each blob or manifest.
func once(kind registrytest.Kind, answer func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !matching(kind, req) {
			return false
		}
		name := path.Base(req.URL.Path)
		if d := req.URL.Query().Get("digest"); d != "" {
			name = d
		}
		mu.Lock()
		first := !seen[name]
		seen[name] = true
		mu.Unlock()
		return first && answer(w, req)
	}
}

func TestAnImageArrivesThroughEveryFaultThatPasses(t *testing.T) {
	t.Parallel()
	image := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	layer := image.Children[0].Blobs[1]
	cases := map[string]struct {
		kind   registrytest.Kind
		answer func(http.ResponseWriter, *http.Request) bool
	}{
		"sessions that are forgotten": {registrytest.UploadFinish, answering(registrytest.UploadFinish, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN")},
		"tokens that are not taken":   {registrytest.UploadFinish, answering(registrytest.UploadFinish, http.StatusUnauthorized, "UNAUTHORIZED")},
		"blobs that are missing":      {registrytest.BlobGet, answering(registrytest.BlobGet, http.StatusNotFound, "BLOB_UNKNOWN")},
		"a layer that is corrupted":   {registrytest.BlobGet, blobAs(layer, append([]byte{0}, layer.Content[1:]...))},
		"a layer that is short":       {registrytest.BlobGet, blobAs(layer, layer.Content[1:])},
	}
	for name, c := range cases {
		for _, destination := range []string{"registry", "dir", "oci"} {
			t.Run(name+" into "+destination, func(t *testing.T) {
				t.Parallel()
				source, to, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
				source.Push(t, "app", "1.0", image)
				source.Intercept(once(c.kind, c.answer))
				to.Intercept(once(c.kind, c.answer))
				place := map[string]string{"registry": "docker://" + to.Host(), "dir": "dir:" + directory, "oci": "oci:" + directory}[destination]

				results := newLab(t, place).sync(allOf(source, "app"))

				require.Len(t, results, 1)
				require.Equal(t, report.Done, results[0].Status, "%+v", results[0].Error)
			})
		}
	}
}
