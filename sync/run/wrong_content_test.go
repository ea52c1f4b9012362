package run_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestWrongContentIsNeverTagged(t *testing.T) {
	t.Parallel()
	image := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	layer := image.Children[0].Blobs[1]
	other := registrytest.RandomLayer(99, 1000)
	require.Equal(t, len(layer.Content), len(other.Content))
	cases := map[string]struct {
		intercept func(http.ResponseWriter, *http.Request) bool
		kind      fault.Kind
		word      string
	}{
		"a blob with other bytes":      {blobAs(layer, other.Content), fault.DigestMismatch, layer.Digest().String()},
		"a blob that is too long":      {blobAs(layer, append(layer.Content[:len(layer.Content):len(layer.Content)], 'x')), fault.DigestMismatch, layer.Digest().String()},
		"a blob that is too short":     {blobAs(layer, layer.Content[:100]), fault.DigestMismatch, layer.Digest().String()},
		"another instance than asked":  {manifestAs(image.Children[1].Digest().String(), image.Children[0].Manifest), fault.DigestMismatch, image.Children[1].Digest().String()},
		"an instance that is no JSON":  {manifestAs(image.Children[1].Digest().String(), []byte("<html>")), fault.DigestMismatch, image.Children[1].Digest().String()},
		"another index than announced": {manifestAs(image.Digest().String(), image.Children[0].Manifest), fault.DigestMismatch, image.Digest().String()},
		"an instance that is missing":  {answeringFor(image.Children[1].Digest().String(), 404, "MANIFEST_UNKNOWN"), fault.NotFound, image.Children[1].Digest().String()},
		"a config that is missing":     {answeringFor(image.Children[1].Blobs[0].Digest().String(), 404, "BLOB_UNKNOWN"), fault.NotFound, image.Children[1].Blobs[0].Digest().String()},
	}
	for name, c := range cases {
		for _, destination := range []string{"registry", "dir", "oci"} {
			t.Run(name+" into "+destination, func(t *testing.T) {
				t.Parallel()
				source, to, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
				source.Push(t, "app", "1.0", image)
				source.Push(t, "web", "1.0", registrytest.RandomImage(5))
				source.Intercept(c.intercept)
				place := map[string]string{"registry": "docker://" + to.Host(), "dir": "dir:" + directory, "oci": "oci:" + directory}[destination]

				results := newLab(t, place).sync(allOf(source, "app", "web"))

				require.Len(t, results, 2)
				requireFailure(t, results[0], c.kind, fault.Source, source.Host(), c.word)
				require.Equal(t, report.Done, results[1].Status, "%+v", results[1].Error)
				require.Empty(t, to.Tags(t, "app"))
				require.NoDirExists(t, directory+"/app:1.0")
			})
		}
	}
}

func TestAnIndexThatListsItselfIsRefused(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	claimed := registrytest.RandomImage(7).Digest() // an index cannot have its own digest in it
	index := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":300}]}`,
		v1.MediaTypeImageIndex, v1.MediaTypeImageIndex, claimed)
	source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		return manifestAs("1.0", index)(w, req) || manifestAs(digest.FromBytes(index).String(), index)(w, req) ||
			manifestAs(claimed.String(), index)(w, req)
	})

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0"))

	requireFailure(t, results[0], fault.DigestMismatch, fault.Source, claimed.String())
	requireOnlyReads(t, destination)
}

func TestIndexesThatNestWithoutEndAreRefused(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.Index(registrytest.RandomImage(1))
	for range 10 {
		index = registrytest.Index(index)
	}
	source.Push(t, "app", "1.0", index)

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0"))

	requireFailure(t, results[0], fault.Unsupported, fault.Source, "nest")
	requireOnlyReads(t, destination)
}

func TestATagThatMovesDuringTheRunIsCopiedAsItWasPlanned(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	planned := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+destination.Host())
	p := l.plan(oneOf(source, "app", "1.0"))
	source.Push(t, "app", "1.0", registrytest.RandomImage(2))

	l.run(t.Context(), p)

	requireAll(t, report.Done, p.Results())
	require.Equal(t, planned, destination.Digest(t, "app", "1.0"))
}

// blobAs answers for a blob with other content.
func blobAs(blob registrytest.Blob, content []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !matching(registrytest.BlobGet, req) || !strings.HasSuffix(req.URL.Path, blob.Digest().String()) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content)
		return true
	}
}

// manifestAs answers for a manifest with other bytes, of which it tells no
// digest.
func manifestAs(reference string, content []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet && req.Method != http.MethodHead || !strings.HasSuffix(req.URL.Path, "/manifests/"+reference) {
			return false
		}
		w.Header().Set("Content-Type", v1.MediaTypeImageIndex)
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		if req.Method == http.MethodGet {
			_, _ = w.Write(content)
		}
		return true
	}
}

// answeringFor answers reads of one manifest or blob with an error.
func answeringFor(reference string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		return req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/"+reference) &&
			(answering(registrytest.ManifestGet, status, code)(w, req) || answering(registrytest.BlobGet, status, code)(w, req))
	}
}
