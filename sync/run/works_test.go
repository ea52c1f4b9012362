package run_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// These are the benchmark's works on a small scale, with what they cost exactly:
// requests, connections, bytes, tokens.

const (
	workRepositories = 10
	workTags         = 5
)

// process is a lab that starts afresh, as a process would, and has up to 64
// images and requests under way.
func process(t *testing.T, destinations ...*registrytest.Registry) *lab {
	t.Helper()
	l := newLab(t)
	l.jobs = 64
	l.access.Username, l.access.Password = "ci", "secret" // for those who ask
	l.connect(transport.Options{MaxRequests: 64})
	for _, destination := range destinations {
		l.places = append(l.places, l.place("docker://"+destination.Host()))
	}
	return l
}

// release fills the source with images of three own layers and two that all
// share.
func release(t *testing.T, source *registrytest.Registry) (file string) {
	t.Helper()
	shared := []registrytest.Blob{registrytest.RandomLayer(1, 4000), registrytest.RandomLayer(2, 4000)}
	var repositories []string
	for r := range workRepositories {
		name := fmt.Sprintf("team/app-%d", r)
		repositories = append(repositories, name)
		for i := range workTags {
			seed := 100 * (workTags*r + i + 1)
			layers := append([]registrytest.Blob{}, shared...)
			for own := range 3 {
				layers = append(layers, registrytest.RandomLayer(seed+own, 1000))
			}
			source.Push(t, name, fmt.Sprintf("1.%d", i), registrytest.RandomImage(seed, registrytest.WithLayers(layers...)))
		}
	}
	source.Reset()
	return allOf(source, repositories...)
}

// based fills the source with images on one base, and says how many bytes there
// are when each blob counts once.
func based(t *testing.T, source *registrytest.Registry) (file string, unique int64) {
	t.Helper()
	base := []registrytest.Blob{
		registrytest.RandomLayer(1, 200_000), registrytest.RandomLayer(2, 200_000), registrytest.RandomLayer(3, 200_000), registrytest.RandomLayer(4, 200_000),
	}
	for _, layer := range base {
		unique += int64(len(layer.Content))
	}
	var repositories []string
	for r := range workRepositories {
		own := registrytest.RandomLayer(100+r, 25_000)
		i := registrytest.RandomImage(r, registrytest.WithLayers(append(base[:4:4], own)...))
		unique += int64(len(own.Content) + len(i.Blobs[0].Content))
		repositories = append(repositories, fmt.Sprintf("team/app-%d", r))
		source.Push(t, repositories[r], "1.0", i)
	}
	source.Reset()
	return allOf(source, repositories...), unique
}

func TestWhatAReleaseCosts(t *testing.T) {
	t.Parallel()
	const images, ownBlobs = workRepositories * workTags, 4 // with the config
	token := registrytest.Token("ci", "secret")
	for name, options := range map[string][]registrytest.Option{
		"HTTP": nil, "one request for a small blob": {registrytest.SinglePost()}, "TLS and tokens": {registrytest.TLS(), token},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t, options...), registrytest.Start(t, options...)
			file := release(t, source)

			requireAll(t, report.Done, process(t, destination).sync(file))

			// A list for each repository, a first look, a manifest for each image, and
			// its blobs.
			require.Equal(t, workRepositories, source.Count(registrytest.TagList), source.Counts())
			require.Equal(t, workRepositories, source.Count(registrytest.ManifestHead), source.Counts())
			require.Equal(t, images, source.Count(registrytest.ManifestGet), source.Counts())
			require.Equal(t, images*ownBlobs+2, source.Count(registrytest.BlobGet), source.Counts())
			require.Equal(t, workRepositories, destination.Count(registrytest.TagList), destination.Counts())
			require.Equal(t, workRepositories, destination.Count(registrytest.ManifestHead), destination.Counts())
			require.Equal(t, 2*(workRepositories-1), destination.Count(registrytest.Mount), destination.Counts())
			require.Equal(t, images*ownBlobs+2, destination.Count(registrytest.UploadStart)+destination.Count(registrytest.UploadSingle), destination.Counts())
			require.Equal(t, destination.Count(registrytest.UploadStart), destination.Count(registrytest.UploadFinish), destination.Counts())
			require.Equal(t, images, destination.Count(registrytest.ManifestPut), destination.Counts())
			require.Equal(t, source.BlobBytesRead(), destination.BlobBytesWritten())
			requireFewConnections(t, source, destination)
			requireTokens(t, source, workRepositories)
			requireTokens(t, destination, 2*workRepositories) // to look, and to write
			rest := destination.Count(registrytest.Ping) + destination.Count(registrytest.BlobHead)
			require.LessOrEqual(t, rest, 2, destination.Counts()) // what is found out once
			source.Reset()
			destination.Reset()

			requireAll(t, report.Unchanged, process(t, destination).sync(file))

			require.Equal(t, images+workRepositories, asked(source), source.Counts())
			require.Equal(t, images, asked(destination), destination.Counts())
			require.Equal(t, images, source.Count(registrytest.ManifestHead), source.Counts())
			require.Equal(t, images, destination.Count(registrytest.ManifestHead), destination.Counts())
			requireTokens(t, source, workRepositories)
			requireTokens(t, destination, workRepositories)
		})
	}
}

// asked is the number of requests that are not about being let in.
func asked(r *registrytest.Registry) int {
	return len(r.Log()) - r.Count(registrytest.TokenRequest) - r.Count(registrytest.Unauthorized)
}

// requireTokens wants at most so many tokens, and one answer at most that asks
// for them.
func requireTokens(t *testing.T, r *registrytest.Registry, most int) {
	t.Helper()
	require.LessOrEqual(t, r.Count(registrytest.TokenRequest), most, r.Counts())
	require.LessOrEqual(t, r.Count(registrytest.Unauthorized), 1, r.Counts())
}

func requireFewConnections(t *testing.T, all ...*registrytest.Registry) {
	t.Helper()
	for _, r := range all {
		require.LessOrEqual(t, r.Connections(), 64)
	}
}

func TestImagesOnOneBaseMoveEachByteOnce(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	file, unique := based(t, source)
	for destinations := 1; destinations <= 3; destinations += 2 {
		var all []*registrytest.Registry
		for range destinations {
			all = append(all, registrytest.Start(t))
		}
		source.Reset()

		requireAll(t, report.Done, process(t, all...).sync(file))

		require.Equal(t, unique, source.BlobBytesRead(), source.Counts())
		require.Equal(t, 4+2*workRepositories, source.Count(registrytest.BlobGet), source.Counts())
		for _, destination := range all {
			require.Equal(t, unique, destination.BlobBytesWritten(), destination.Counts())
			require.Equal(t, 4*(workRepositories-1), destination.Count(registrytest.Mount), destination.Counts())
			requireFewConnections(t, source, destination)
		}
	}
}

func TestIndexesThatHaveNotChangedCostOneRequestATagAlsoWithAFilter(t *testing.T) {
	t.Parallel()
	const tags = 10
	source := registrytest.Start(t)
	for i := range tags {
		source.Push(t, "app", fmt.Sprintf("1.%d", i), registrytest.MultiPlatform(100*i, "linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le"))
	}
	for _, filter := range []string{"", "  csync: {platforms: [linux/amd64, linux/arm64]}\n"} {
		file := allOf(source, "app") + filter
		destination, cached := registrytest.Start(t), filepath.Join(t.TempDir(), "filtered.json")
		sync := func() []report.Result {
			cache, err := plan.OpenCache(cached)
			require.NoError(t, err)
			l := process(t, destination)
			l.request.Cache = cache
			p := l.plan(file)
			l.run(t.Context(), p)
			cache.Learn(p)
			require.NoError(t, cache.Save())
			return p.Results()
		}
		requireAll(t, report.Done, sync())
		source.Reset()
		destination.Reset()

		requireAll(t, report.Unchanged, sync())

		require.Equal(t, tags, source.Count(registrytest.ManifestHead), source.Counts())
		require.Len(t, source.Log(), tags+1, source.Counts())
		require.Equal(t, tags, destination.Count(registrytest.ManifestHead), destination.Counts())
		require.Len(t, destination.Log(), tags, destination.Counts())
	}
}
