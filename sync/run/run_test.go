package run_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestANewImageIsCopiedByteForByte(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/ppc64le"))
	sum := source.Push(t, "team/app", "1.0", index)

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/app"))

	require.Len(t, results, 1)
	require.Equal(t, report.Done, results[0].Status, "%+v", results[0].Error)
	require.Equal(t, sum, results[0].Digest)
	require.True(t, results[0].Verified)
	require.Equal(t, source.Image(t, "team/app", "1.0"), destination.Image(t, "team/app", "1.0"))
}
