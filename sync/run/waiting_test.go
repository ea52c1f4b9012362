package run_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// TestWhoWaitsForABlobThatItHasReadKeepsNobodyFromReadingIt has an image whose
// layer copy.Image has to see on its way, and another one that is bringing the
// same layer just then, with one request at a time.
func TestWhoWaitsForABlobThatItHasReadKeepsNobodyFromReadingIt(t *testing.T) {
	t.Parallel()
	plain := registrytest.RandomImage(1, registrytest.WithDocker())
	misnamed := slices.Clone(plain.Blobs[1:])
	for i := range misnamed {
		misnamed[i].MediaType = v1.MediaTypeImageLayer // gzipped all the same
	}
	shared := plain.Blobs[2]
	for name, converted := range map[string]registrytest.Image{
		"schema 1": schema1(shared, plain.Blobs[1]),
		"misnamed": registrytest.RandomImage(2, registrytest.WithLayers(misnamed...)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1.0", plain)
			source.Push(t, "old", "1.0", plain)
			if len(converted.Blobs) > 0 {
				source.Push(t, "old", "", converted)
			}
			destination.Push(t, "app", "0.9", registrytest.RandomImage(3)) // or nothing would be asked for
			var bringing, reading event
			bringing.init()
			reading.init()
			old := serving(converted, "1.0")
			source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if req.URL.Path == "/v2/old/blobs/"+shared.Digest().String() {
					reading.happen()
				}
				return strings.HasPrefix(req.URL.Path, "/v2/old/") && old(w, req)
			})
			destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
				if req.URL.Path == "/v2/app/blobs/"+shared.Digest().String() {
					bringing.happen()
					reading.wait(req)
				}
				return false
			})
			signatures := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if strings.HasPrefix(req.URL.Path, "/old@") { // before its blobs are read
					bringing.wait(req)
				}
				http.NotFound(w, req)
			}))
			t.Cleanup(signatures.Close)
			l := formatting(t, registrytest.DockerManifest)
			l.connect(transport.Options{MaxRequests: 1})
			l.places = []image.Place{l.place("docker://" + destination.Host())}
			writeRegistriesD(t, l, fmt.Sprintf("docker: {%q: {lookaside: %q}}\n", source.Host(), signatures.URL))
			p := l.plan(allOf(source, "app", "old"))
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()

			l.run(ctx, p)

			requireAll(t, report.Done, p.Results())
		})
	}
}
