package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

// promotion is a cip manifest that promotes images of source to places that it
// names itself.
func promotion(t *testing.T, source *registrytest.Registry, images int, places ...string) *spec.File {
	t.Helper()
	manifest := fmt.Sprintf("registries:\n- {name: %s/staging, src: true}\n", source.Host())
	for _, place := range places {
		manifest += "- {name: " + place + "}\n"
	}
	manifest += "images:\n- name: app\n  dmap:\n"
	for i := range images {
		sum := source.Push(t, "staging/app", "", registrytest.RandomImage(i, registrytest.WithLayers(registrytest.RandomLayer(100+i, 2000))))
		manifest += fmt.Sprintf("    %q: [\"1.%d\"]\n", sum, i)
	}
	wanted, err := spec.Load("promoter-manifest.yaml", strings.NewReader(manifest), spec.Strict)
	require.NoError(t, err)
	source.Reset()
	return wanted
}

func TestABlobIsReadOnceWhereOneOfACIPManifestsDestinationsIsFresh(t *testing.T) {
	t.Parallel()
	source, used, fresh := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	for i := range 12 { // what the tags were before
		used.Push(t, "prod/app", fmt.Sprintf("1.%d", i), registrytest.RandomImage(50+i))
	}
	wanted := promotion(t, source, 12, used.Host()+"/prod", fresh.Host()+"/prod")
	l := newLab(t)

	p := l.planFile(t.Context(), wanted)
	l.run(t.Context(), p)

	requireAll(t, report.Done, p.Results())
	require.Len(t, p.Results(), 24)
	require.Equal(t, 24, source.Count(registrytest.BlobGet), source.Counts())
	require.Equal(t, 12, source.Count(registrytest.ManifestGet), source.Counts())
	require.Equal(t, source.BlobBytesRead(), fresh.BlobBytesWritten())
}
