package job_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// snapshotOf are the options of a snapshot of a registry of the test's.
func snapshotOf(t *testing.T, host string, repositories ...string) job.SnapshotOptions {
	t.Helper()
	empty := filepath.Join(t.TempDir(), "registries.conf")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	way := transport.New(transport.Options{Retries: -1, System: &types.SystemContext{SystemRegistriesConfPath: empty, SystemRegistriesConfDirPath: t.TempDir()}})
	t.Cleanup(way.Close)
	return job.SnapshotOptions{
		Registry: host, Repositories: repositories, Jobs: 4, Client: registry.NewClient(way, registry.Options{ReadOnly: true}),
		Access: transport.Access{TLSVerify: types.OptionalBoolFalse},
	}
}

func taken(t *testing.T, o job.SnapshotOptions) (yaml, csv string) {
	t.Helper()
	s, err := job.TakeSnapshot(t.Context(), o)
	require.NoError(t, err)
	var asYAML, asCSV bytes.Buffer
	require.NoError(t, s.WriteYAML(&asYAML))
	require.NoError(t, s.WriteCSV(&asCSV))
	return asYAML.String(), asCSV.String()
}

func TestASnapshotIsSortedAndTheSameEachTime(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Catalog())
	one, two := r.Push(t, "team/web/app", "1.10", registrytest.RandomImage(1)), r.Push(t, "team/db", "7", registrytest.RandomImage(2))
	r.Retag(t, "team/web/app", "1.10", "latest")
	r.Push(t, "other/app", "1", registrytest.RandomImage(3))

	yaml, csv := taken(t, snapshotOf(t, r.Host()+"/team"))

	require.Equal(t, fmt.Sprintf(`registries:
  - name: %s/team
    src: true
images:
  - name: db
    dmap:
      %q: ["7"]
  - name: web/app
    dmap:
      %q: ["1.10", "latest"]
`, r.Host(), two, one), yaml)
	require.Equal(t, strings.ReplaceAll(fmt.Sprintf("H/team/db@%s,H/team/db:7\nH/team/web/app@%s,H/team/web/app:1.10\nH/team/web/app@%s,H/team/web/app:latest\n", two, one, one), "H", r.Host()), csv)
	again, _ := taken(t, snapshotOf(t, r.Host()+"/team"))
	require.Equal(t, yaml, again)
}

func TestASnapshotSyncedOntoItsRegistryChangesNothing(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...registrytest.Option) *registrytest.Registry{
		"olareg": registrytest.Start, "distribution": registrytest.Distribution,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, registrytest.Catalog())
			r.Push(t, "team/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
			r.Retag(t, "team/app", "1.0", "latest")
			r.Push(t, "team/app", "1.1", registrytest.RandomImage(7))
			r.Push(t, "team/lib", "2.0", registrytest.RandomImage(8, registrytest.WithDocker()))
			yaml, _ := taken(t, snapshotOf(t, r.Host()+"/team"))
			file := filepath.Join(t.TempDir(), "snapshot.yaml")
			require.NoError(t, os.WriteFile(file, []byte(yaml), 0o600))
			o := between(r, r)
			o.Sources, o.SourceFile, o.Destinations, o.Naming = nil, file, []string{"docker://" + r.Host() + "/team"}, plan.Naming{}
			r.Reset()

			done, err := job.Run(t.Context(), o)

			require.NoError(t, err)
			require.Len(t, done.Results, 4)
			for _, result := range done.Results {
				require.Equal(t, report.Unchanged, result.Status, "%s: %+v", result.Destination, result.Error)
			}
			require.False(t, done.Changed)
			for _, request := range r.Log() {
				require.Contains(t, []string{"GET", "HEAD"}, request.Method, request.Path)
			}

			copied := registrytest.Start(t, registrytest.Catalog())
			o.Destinations = []string{"docker://" + copied.Host() + "/team"}
			_, err = job.Run(t.Context(), o)
			require.NoError(t, err)
			there, _ := taken(t, snapshotOf(t, copied.Host()+"/team"))
			require.Equal(t, strings.ReplaceAll(yaml, r.Host(), copied.Host()), there)
		})
	}
}

func TestASnapshotOfARegistryWithoutACatalogTakesNames(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	sum := r.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	_, err := job.TakeSnapshot(t.Context(), snapshotOf(t, r.Host()+"/team"))
	require.ErrorContains(t, err, "give the repositories as arguments")

	_, csv := taken(t, snapshotOf(t, r.Host(), "team/app", "team/app"))
	require.Equal(t, fmt.Sprintf("%s/team/app@%s,%s/team/app:1.0\n", r.Host(), sum, r.Host()), csv)

	for name, kind := range map[string]fault.Kind{"team/none": fault.NotFound, "team/app:1.0": fault.Input, "Team": fault.Input, "a//b": fault.Input, "../team": fault.Input} {
		_, err = job.TakeSnapshot(t.Context(), snapshotOf(t, r.Host(), "team/app", name))
		require.True(t, fault.Is(err, kind), "%s: %v", name, err)
		require.ErrorContains(t, err, r.Host()+"/"+name)
	}
}

func TestASnapshotIsWholeOrThereIsNone(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Catalog())
	r.Push(t, "app", "1.0", registrytest.RandomImage(1))
	r.Push(t, "lib", "1.0", registrytest.RandomImage(2))
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, "/v2/lib/") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})

	s, err := job.TakeSnapshot(t.Context(), snapshotOf(t, r.Host()))

	require.Nil(t, s)
	require.True(t, fault.Is(err, fault.Denied), err)
	require.ErrorContains(t, err, r.Host()+"/lib")
}

func TestASnapshotHasWhatIsWithoutATagWhereTheRegistryTells(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	tagged, alone := r.Push(t, "app", "1.0", index), r.Push(t, "app", "", registrytest.RandomImage(9))
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/tags/list") {
			return false
		}
		manifests := map[digest.Digest]any{tagged: map[string]any{"tag": []string{"1.0"}}}
		for _, d := range []digest.Digest{alone, index.Children[0].Digest(), index.Children[1].Digest()} {
			manifests[d] = map[string]any{"tag": []string{}}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "app", "tags": []string{"1.0"}, "manifest": manifests})
		return true
	})
	o := snapshotOf(t, r.Host(), "app")

	_, csv := taken(t, o)
	require.Equal(t, 4, strings.Count(csv, "\n"), csv)
	require.Equal(t, 3, strings.Count(csv, ",-\n"), csv)

	o.Minimal = true
	yaml, csv := taken(t, o)
	require.Equal(t, 2, strings.Count(csv, "\n"), csv)
	require.Contains(t, csv, alone.String()+",-\n")
	require.Contains(t, yaml, fmt.Sprintf("      %q: []\n", alone))
}

func TestASnapshotOfNothingIsAManifest(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Catalog())
	yaml, csv := taken(t, snapshotOf(t, r.Host()))
	require.Equal(t, "registries:\n  - name: "+r.Host()+"\n    src: true\nimages: []\n", yaml)
	require.Empty(t, csv)

	r.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	_, err := job.TakeSnapshot(t.Context(), snapshotOf(t, r.Host()+"/taem"))
	require.True(t, fault.Is(err, fault.NotFound), err)
	require.ErrorContains(t, err, "there is no repository below "+r.Host()+"/taem")
}
