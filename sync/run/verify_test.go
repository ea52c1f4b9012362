package run_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestVerifySaysWhatIsNotInPlaceAndWritesNothing(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	for _, repository := range []string{"broken", "good", "missing", "old"} {
		source.Push(t, repository, "1.0", index)
	}
	l := newLab(t, "docker://"+destination.Host())
	requireAll(t, report.Done, l.sync(allOf(source, "broken", "good")))
	destination.Delete(t, "broken", index.Children[1].Digest().String())
	old := destination.Push(t, "old", "1.0", registrytest.RandomImage(7))
	destination.Reset()

	p := l.plan(allOf(source, "broken", "good", "missing", "old"))
	p.Verify(t.Context(), 4)

	results := p.Results()
	require.Len(t, results, 4)
	requireFailure(t, results[0], fault.NotFound, fault.Destination, "broken:1.0", index.Children[1].Digest().String(), "delete the image there")
	require.Equal(t, report.Unchanged, results[1].Status)
	require.True(t, results[1].Verified)
	requireFailure(t, results[2], fault.NotFound, fault.Destination, "missing:1.0", "not there")
	requireFailure(t, results[3], fault.DigestMismatch, fault.Destination, "old:1.0", old.String(), index.Digest().String())
	requireOnlyReads(t, destination)
}
