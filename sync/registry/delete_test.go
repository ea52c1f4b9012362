package registry

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

// eachRegistry runs a test on every kind of registry that there is.
func eachRegistry(t *testing.T, run func(t *testing.T, start func(...registrytest.Option) *registrytest.Registry, kind string)) {
	t.Helper()
	for kind, begin := range map[string]func(testing.TB, ...registrytest.Option) *registrytest.Registry{
		"olareg": registrytest.Start, "distribution 2": registrytest.Distribution,
		"distribution 3": func(t testing.TB, given ...registrytest.Option) *registrytest.Registry {
			return registrytest.Distribution(t, append(given, registrytest.Version3())...)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			run(t, func(given ...registrytest.Option) *registrytest.Registry { return begin(t, given...) }, kind)
		})
	}
}

func TestDeletingATagLeavesTheManifestToItsOtherTags(t *testing.T) {
	t.Parallel()
	eachRegistry(t, func(t *testing.T, start func(...registrytest.Option) *registrytest.Registry, kind string) {
		server := start(registrytest.Token("ci", "secret"))
		image, other := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"), registrytest.RandomImage(9)
		server.Push(t, "a", "label", image)
		server.Retag(t, "a", "label", "hash")
		server.Push(t, "a", "only", other)
		server.Push(t, "a", "second", other)
		r := destination(t, newClient(t), server.Host()+"/a", asUser(plainly))

		require.NoError(t, r.DeleteTag(t.Context(), "label"))
		require.ElementsMatch(t, []string{"hash", "only", "second"}, server.Tags(t, "a"))
		require.Equal(t, image.Digest(), server.Image(t, "a", "hash").Digest())
		require.NoError(t, r.DeleteTag(t.Context(), "only"))
		require.NoError(t, r.DeleteTag(t.Context(), "second"))
		require.Equal(t, []string{"hash"}, server.Tags(t, "a"))
		require.True(t, server.HasTag(t, "a", other.Digest().String()), "only its tags are gone")

		requests := 3
		if kind == "distribution 2" {
			requests = 1 + 3*2 // it is asked once whether it deletes tags
		}
		require.Equal(t, requests, server.Count(registrytest.ManifestDelete), server.Counts())
	})
}

func TestDeletingWhatIsNotThereIsNoError(t *testing.T) {
	t.Parallel()
	eachRegistry(t, func(t *testing.T, start func(...registrytest.Option) *registrytest.Registry, _ string) {
		server := start()
		server.Push(t, "a", "1", registrytest.RandomImage(1))
		c := newClient(t)
		for _, repository := range []string{"a", "none"} {
			r := destination(t, c, server.Host()+"/"+repository, plainly)
			require.NoError(t, r.DeleteTag(t.Context(), "2"))
			require.NoError(t, r.DeleteManifest(t.Context(), digest.FromString("2")))
		}
		require.Equal(t, []string{"1"}, server.Tags(t, "a"))
		require.Zero(t, server.Count(registrytest.ManifestPut))
	})
}

func TestDeletingAManifestTakesItsTagsWithIt(t *testing.T) {
	t.Parallel()
	eachRegistry(t, func(t *testing.T, start func(...registrytest.Option) *registrytest.Registry, _ string) {
		server := start(registrytest.Token("ci", "secret"), registrytest.TLS())
		gone, stays := registrytest.RandomImage(1), registrytest.RandomImage(2)
		server.Push(t, "a", "1", gone)
		server.Retag(t, "a", "1", "2")
		server.Push(t, "a", "3", stays)
		r := destination(t, newClient(t), server.Host()+"/a", asUser(transport.Access{CertDir: server.CertDir}))

		require.NoError(t, r.DeleteManifest(t.Context(), gone.Digest()))
		require.Equal(t, []string{"3"}, server.Tags(t, "a"))
		require.False(t, server.HasTag(t, "a", gone.Digest().String()))
		require.Equal(t, stays.Digest(), server.Image(t, "a", "3").Digest())
		require.NoError(t, r.DeleteManifest(t.Context(), gone.Digest()))
	})
}

func TestARegistryThatDoesNotDeleteKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	eachRegistry(t, func(t *testing.T, start func(...registrytest.Option) *registrytest.Registry, _ string) {
		server := start(registrytest.NoDelete())
		image := registrytest.RandomImage(1)
		server.Push(t, "a", "1", image)
		r := destination(t, newClient(t), server.Host()+"/a", plainly)

		requireFault(t, r.DeleteTag(t.Context(), "1"), fault.Unsupported, "storage.delete.enabled")
		requireFault(t, r.DeleteManifest(t.Context(), image.Digest()), fault.Unsupported, "storage.delete.enabled",
			"deleting manifest "+image.Digest().String()+" in "+server.Host()+"/a")
		require.Equal(t, image.Digest(), server.Digest(t, "a", "1"))
		require.Zero(t, server.Count(registrytest.ManifestPut), "the tag was never given to anything else")
	})
}

func TestATagWhosePlaceholderStaysGoesBack(t *testing.T) {
	t.Parallel()
	server := registrytest.Distribution(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	written := false
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		written = written || req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, "/manifests/1")
		if written && req.Method == http.MethodDelete {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	r := destination(t, newClient(t), server.Host()+"/a", plainly)
	requireFault(t, r.DeleteTag(t.Context(), "1"), fault.Denied, "deleting manifest sha256:")
	require.Equal(t, image.Digest(), server.Digest(t, "a", "1"))
}

func TestATagThatMayNotMoveIsNotDeleted(t *testing.T) {
	t.Parallel()
	server := registrytest.Distribution(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		refused := req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, "/manifests/1")
		if refused {
			w.WriteHeader(http.StatusForbidden)
		}
		return refused
	})
	r := destination(t, newClient(t), server.Host()+"/a", plainly)
	requireFault(t, r.DeleteTag(t.Context(), "1"), fault.Denied, "uploading manifest 1")
	require.Equal(t, image.Digest(), server.Digest(t, "a", "1"))
	require.Equal(t, 1, server.Count(registrytest.ManifestPut))
}

func TestADeletionIsTriedAgain(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	failed := false
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if failed || req.Method != http.MethodDelete {
			return false
		}
		failed = true
		w.WriteHeader(http.StatusBadGateway)
		return true
	})
	c := newClient(t)
	require.NoError(t, destination(t, c, server.Host()+"/a", plainly).DeleteTag(t.Context(), "1"))
	require.Empty(t, server.Tags(t, "a"))
	require.Equal(t, int64(2), c.Requests()[server.Host()])
}

func TestNothingIsDeletedByThoseWhoOnlyRead(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	reader := NewClient(newTransport(t), Options{ReadOnly: true})
	for _, r := range []*Repository{
		destination(t, reader, server.Host()+"/a", plainly), source(t, newClient(t), server.Host()+"/a", plainly),
	} {
		requireFault(t, r.DeleteTag(t.Context(), "1"), fault.Internal)
		requireFault(t, r.DeleteManifest(t.Context(), image.Digest()), fault.Internal)
	}
	require.Empty(t, server.Log())
}

func TestOnlyTagsAndDigestsAreDeleted(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	r := destination(t, newClient(t), server.Host()+"/a", plainly)
	for _, tag := range []string{"", "a/b", "sha256:1", "..", digest.FromString("").String()} {
		requireFault(t, r.DeleteTag(t.Context(), tag), fault.Input)
	}
	for _, d := range []digest.Digest{"", "latest", "sha256:1"} {
		requireFault(t, r.DeleteManifest(t.Context(), d), fault.Input)
	}
	require.Empty(t, server.Log())
}
