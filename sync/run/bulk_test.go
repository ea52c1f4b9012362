package run_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// likeGoogle makes a registry answer tags/list as Google's document theirs, with
// the digests.
func likeGoogle(t *testing.T, r *registrytest.Registry, repository string) {
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/tags/list") {
			return false
		}
		tags, manifests := r.Tags(t, repository), map[string]any{}
		for _, tag := range tags {
			sum := r.Digest(t, repository, tag).String()
			entry, _ := manifests[sum].(map[string]any)
			if entry == nil {
				entry = map[string]any{"imageSizeBytes": "1", "tag": []string{}}
			}
			entry["tag"] = append(entry["tag"].([]string), tag)
			manifests[sum] = entry
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": repository, "tags": tags, "manifest": manifests})
		return true
	})
}

func TestUnchangedTagsCostOneRequestAtEachSideWhereDigestsAreListed(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for _, registry := range []*registrytest.Registry{source, destination} {
		registry.Push(t, "team/app", "t0", registrytest.RandomImage(1))
		for i := 1; i < 50; i++ {
			registry.Retag(t, "team/app", "t0", fmt.Sprintf("t%d", i))
		}
		likeGoogle(t, registry, "team/app")
		registry.Reset()
	}
	source.Push(t, "team/app", "t7", registrytest.RandomImage(2))
	source.Reset()

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/app"))

	require.Len(t, results, 50)
	for _, result := range results {
		if strings.HasSuffix(result.Destination, ":t7") {
			require.Equal(t, report.Done, result.Status, result.Error)
			continue
		}
		require.Equal(t, report.Unchanged, result.Status, result.Destination)
	}
	require.Equal(t, 1, source.Count(registrytest.TagList), source.Counts())
	require.Zero(t, source.Count(registrytest.ManifestHead), source.Counts())
	require.Equal(t, 1, source.Count(registrytest.ManifestGet), source.Counts())
	require.Equal(t, 1, destination.Count(registrytest.TagList), destination.Counts())
	require.Equal(t, source.Digest(t, "team/app", "t7"), destination.Digest(t, "team/app", "t7"))
}
