package run_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// reads is how often each blob was read.
func reads(r *registrytest.Registry) map[digest.Digest]int {
	all := map[digest.Digest]int{}
	for _, request := range r.Log() {
		if request.Kind == registrytest.BlobGet {
			all[digest.Digest(request.Path[strings.LastIndex(request.Path, "/")+1:])]++
		}
	}
	return all
}

func TestAConfigIsReadOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		destinations int
		lines        string
		prepare      func(*testing.T, *lab)
	}{
		"for one destination": {destinations: 1},
		"for several":         {destinations: 3},
		"for several, converted": {destinations: 3, prepare: func(_ *testing.T, l *lab) {
			l.options.Copier.Format, l.request.Format = registrytest.DockerManifest, registrytest.DockerManifest
		}},
		"for several that sign": {destinations: 3, prepare: func(t *testing.T, l *lab) {
			_, signer := sigstoreOf(t, ours)
			useAttachments(t, l)
			l.options.Copier.Signers = []image.Signer{signer}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := registrytest.Start(t)
			source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
			source.Reset()
			var places []string
			for range c.destinations {
				places = append(places, "docker://"+registrytest.Start(t).Host())
			}
			l := newLab(t, places...)
			if c.prepare != nil {
				c.prepare(t, l)
			}

			requireAll(t, report.Done, l.sync(allOf(source, "app")))

			require.Len(t, reads(source), 6)
			for blob, times := range reads(source) {
				require.Equal(t, 1, times, blob)
			}
		})
	}
}

// askedFor is how often the registry was asked for each of the image's instances.
func askedFor(r *registrytest.Registry, index registrytest.Image) []int {
	counts := make([]int, len(index.Children))
	for _, request := range r.Log() {
		for i, child := range index.Children {
			if request.Kind == registrytest.ManifestHead && strings.HasSuffix(request.Path, child.Digest().String()) {
				counts[i]++
			}
		}
	}
	return counts
}

func TestAFreshIndexAsksForNoInstanceAndOneThatReplacesAnotherOnceForEach(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	first := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x")
	second := registrytest.Index(append(first.Children[:1:1], registrytest.MultiPlatform(2, "linux/arm64", "linux/s390x").Children...)...)
	l := newLab(t, "docker://"+destination.Host())

	source.Push(t, "app", "1.0", first)
	requireAll(t, report.Done, l.sync(allOf(source, "app")))
	require.Equal(t, []int{0, 0, 0}, askedFor(destination, first))
	require.Zero(t, destination.Count(registrytest.BlobHead), destination.Counts())

	source.Push(t, "app", "1.0", second)
	destination.Reset()
	requireAll(t, report.Done, l.sync(allOf(source, "app")))
	require.Equal(t, []int{1, 1, 1}, askedFor(destination, second))
	require.Equal(t, 3, destination.Count(registrytest.ManifestPut), "two instances and the index: %s", destination.Counts())

	source.Push(t, "app", "2.0", registrytest.Index(second.Children[1:]...))
	destination.Reset()
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "2.0")))
	require.Equal(t, []int{0, 0, 0}, askedFor(destination, second), "a new tag's index")
}

func TestWithinOneRegistryNoConfigIsReadForAnIndex(t *testing.T) {
	t.Parallel()
	both := registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	both.Push(t, "ci/app", "1.0", index)
	both.Reset()

	results := newLab(t, "docker://"+both.Host()+"/prod").sync(allOf(both, "ci/app"))

	requireAll(t, report.Done, results)
	require.Zero(t, both.Count(registrytest.BlobGet)+both.Count(registrytest.BlobHead)+both.Count(registrytest.UploadStart), both.Counts())
	require.Equal(t, 6, both.Count(registrytest.Mount), both.Counts())
	require.Equal(t, 3, both.Count(registrytest.ManifestPut), both.Counts())
	var size int64
	for _, child := range index.Children {
		for _, blob := range child.Blobs {
			size += blob.Size()
		}
	}
	require.Equal(t, size, results[0].BytesReused)
}

// TestFewConnectionsAreEnoughForImagesThatShareBlobsInEveryOrder would hang where
// an image held a turn while it waits for another's blob.
func TestFewConnectionsAreEnoughForImagesThatShareBlobsInEveryOrder(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			source, one, two, three := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
			file := crowd(t, source, 16)
			source.Reset()
			l := newLab(t)
			l.jobs = 16
			l.connect(transport.Options{MaxRequests: limit})
			for _, destination := range []*registrytest.Registry{one, two, three} {
				l.places = append(l.places, l.place("docker://"+destination.Host()))
			}

			requireAll(t, report.Done, l.sync(file))

			for _, registry := range []*registrytest.Registry{source, one, two, three} {
				require.LessOrEqual(t, registry.Connections(), max(limit, 2), "one to read from, one to write to")
			}
			for blob, times := range reads(source) {
				require.Equal(t, 1, times, blob)
			}
		})
	}
}

// archived is a docker-archive with an image of two layers.
func archived(t *testing.T) string {
	t.Helper()
	source, place := registrytest.Start(t), "docker-archive:"+filepath.Join(t.TempDir(), "shelf.tar")
	source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithDocker()))
	requireAll(t, report.Done, newLab(t, place).sync(allOf(source, "app")))
	return place
}

func TestAnArchivesBlobsAreCountedAtTheWire(t *testing.T) {
	t.Parallel()
	place, destination := archived(t), registrytest.Start(t)
	l := newLab(t, "docker://"+destination.Host())

	results := l.syncImages(place)

	requireAll(t, report.Done, results)
	require.Equal(t, 3, destination.Count(registrytest.UploadFinish), destination.Counts())
	require.EqualValues(t, len(destination.Log()), l.client.Requests()[destination.Host()])
	manifest := int64(len(destination.Manifest(t, "app", "1.0")))
	require.Equal(t, destination.BlobBytesWritten()+manifest, results[0].BytesWritten)
	require.Positive(t, results[0].BytesRead)
}

func TestAnArchivesBlobsAreSentAgainWhereAnUploadBreaksOff(t *testing.T) {
	t.Parallel()
	place := archived(t)
	for broken := range int64(3) { // a layer, the other, the config
		t.Run(fmt.Sprint(broken), func(t *testing.T) {
			t.Parallel()
			destination := registrytest.Start(t)
			var uploads atomic.Int64
			destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
				if matching(registrytest.UploadFinish, req) && uploads.Add(1) == broken+1 {
					panic(http.ErrAbortHandler)
				}
				return false
			})
			l := newLab(t, "docker://"+destination.Host())
			l.jobs = 1

			results := l.syncImages(place)

			requireAll(t, report.Done, results)
			require.Len(t, destination.Image(t, "app", "1.0").Blobs, 3)
		})
	}
}

func TestSessionsAreGivenBackWhereTheBlobDoesNotCome(t *testing.T) {
	t.Parallel()
	large := registrytest.RandomLayer(1, 200_000)
	for name, answer := range map[string]http.HandlerFunc{
		"absent":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"other byte": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(append([]byte{0}, large.Content[1:]...)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithLayers(large)))
			opened := make(chan struct{})
			first := sync.OnceFunc(func() { close(opened) })
			destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
				if matching(registrytest.UploadStart, req) && req.URL.Query().Get("digest") == "" {
					first()
				}
				return false
			})
			source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if !strings.HasSuffix(req.URL.Path, large.Digest().String()) {
					return false
				}
				<-opened
				answer(w, req)
				return true
			})

			results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app"))

			requireFailure(t, results[0], results[0].Error.Kind, fault.Source)
			given := 0
			for _, request := range destination.Log() {
				if request.Method == http.MethodDelete && strings.Contains(request.Path, "/blobs/uploads/") {
					given++
				}
			}
			require.Positive(t, given, destination.Counts())
		})
	}
}
