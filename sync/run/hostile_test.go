package run_test

import (
	"encoding/json"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestAnIndexOfBlobsIsRefusedWhereOnlyImagesAreKept(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	blob := registrytest.Blob{MediaType: "application/vnd.example.blob", Content: []byte("no manifest")}
	index := v1.Index{MediaType: v1.MediaTypeImageIndex, Manifests: []v1.Descriptor{blob.Descriptor()}}
	index.SchemaVersion = 2
	content, err := json.Marshal(index)
	require.NoError(t, err)
	odd := registrytest.Image{MediaType: v1.MediaTypeImageIndex, Manifest: content, Blobs: []registrytest.Blob{blob}}
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	source.Push(t, "odd", "1.0", odd)
	source.Push(t, "web", "1.0", registrytest.RandomImage(2))

	results := newLab(t, "dir:"+directory).sync(allOf(source, "app", "odd", "web"))

	require.Len(t, results, 3)
	require.Equal(t, report.Done, results[0].Status)
	requireFailure(t, results[1], fault.Unsupported, fault.Source, "is a blob")
	require.Equal(t, report.Done, results[2].Status)
}

func TestAgesAreNotLookedForInIndexesWithoutEnd(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.Index(registrytest.RandomImage(1))
	for range 10 {
		index = registrytest.Index(index)
	}
	source.Push(t, "app", "nightly-a", index)
	source.Push(t, "app", "nightly-b", registrytest.RandomImage(2))
	l := newLab(t, "docker://"+destination.Host())
	l.request.LatestBy = plan.ByCreated

	results := l.sync(allOf(source, "app") + "  csync: {repositories: {app: {latest: 1}}}\n")

	requireFailure(t, results[0], fault.Unsupported, fault.Source, "nest")
	requireOnlyReads(t, destination)
}
