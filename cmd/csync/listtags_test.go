package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// tagged is a registry with one image under a few tags of "app".
func tagged(t *testing.T) (*registrytest.Registry, registrytest.Image) {
	t.Helper()
	registry, image := registrytest.Start(t), registrytest.RandomImage(1)
	for _, tag := range []string{"1.0", "1.1", "1.2-rc1", "latest"} {
		registry.Push(t, "app", tag, image)
	}
	return registry, image
}

func TestListTagsIsThatOfSkopeo(t *testing.T) {
	registry, _ := tagged(t)
	got := runCsync(t, "list-tags", "--tls-verify=false", "docker://"+registry.Host()+"/app")
	require.Equal(t, exitDone, got.code, got.err)
	require.Equal(t, `{
  "Repository": "`+registry.Host()+`/app",
  "Tags": [
    "1.0",
    "1.1",
    "1.2-rc1",
    "latest"
  ]
}
`, got.out)
}

func TestListTagsChoosesAsASourceFileDoes(t *testing.T) {
	registry, _ := tagged(t)
	for _, test := range []struct{ name, flags, want string }{
		{"everything", "", "1.0 1.1 1.2-rc1 latest"},
		{"a regex", "--select ^1", "1.0 1.1 1.2-rc1"},
		{"a constraint", "--semver >=1.1", "1.1"},
		{"either of both", "--select ^l --semver >=1.1", "1.1 latest"},
		{"without some", "--select ^1 --exclude -rc", "1.0 1.1"},
		{"all but some", "--exclude -rc --exclude latest", "1.0 1.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"list-tags", "--tls-verify=false", "--output=text", registry.Host() + "/app"}, strings.Fields(test.flags)...)
			got := runCsync(t, args...)
			require.Equal(t, exitDone, got.code, got.err)
			require.Equal(t, test.want, strings.Join(strings.Fields(got.out), " "))
		})
	}
}

func TestListTagsWithDigestsAsksOnceForEach(t *testing.T) {
	registry, image := tagged(t)
	got := runCsync(t, "list-tags", "--tls-verify=false", "--digests", "--select=^1", registry.Host()+"/app")
	require.Equal(t, exitDone, got.code, got.err)
	var list tagList
	require.NoError(t, json.Unmarshal([]byte(got.out), &list))
	want := taggedDigest{image.Digest(), image.MediaType}
	require.Equal(t, map[string]taggedDigest{"1.0": want, "1.1": want, "1.2-rc1": want}, list.Digests)
	require.Equal(t, 3, registry.Count(registrytest.ManifestHead), registry.Counts())
	require.Zero(t, registry.Count(registrytest.ManifestGet), registry.Counts())
}

func TestListTagsGoesOnWhenADigestCannotBeRead(t *testing.T) {
	registry, image := tagged(t)
	registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		gone := strings.HasSuffix(r.URL.Path, "/manifests/1.1")
		if gone {
			w.WriteHeader(http.StatusNotFound)
		}
		return gone
	})
	got := runCsync(t, "list-tags", "--tls-verify=false", "--digests", "--semver=<2", "--output=text", registry.Host()+"/app")
	require.Equal(t, exitFailures, got.code)
	require.Equal(t, "1.0 "+image.Digest().String()+" "+image.MediaType+"\n1.1\n", got.out)
	require.Contains(t, got.err, "docker://"+registry.Host()+"/app:1.1: ")
}

func TestListTagsOfARepositoryThatIsNotThereFails(t *testing.T) {
	registry := registrytest.Start(t)
	registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	got := runCsync(t, "list-tags", "--tls-verify=false", registry.Host()+"/app")
	require.Equal(t, exitNoRun, got.code)
	require.Empty(t, got.out)
	require.Contains(t, got.err, "csync: docker://"+registry.Host()+"/app: ")
}
