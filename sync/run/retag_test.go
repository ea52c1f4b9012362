package run_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestAnImageThatIsItsOwnSourceSaysWhenItWasSigned(t *testing.T) {
	t.Parallel()
	_, attached := keyPair(t)
	for name, signer := range map[string]image.Signer{"beside it": newGPGKey(t), "attached": attached} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := registrytest.Start(t)
			made := registry.Push(t, "app", "1.0", registrytest.RandomImage(1))
			l := newLab(t, "docker://"+registry.Host())
			keepSignatures(t, l, registry)
			l.options.Copier.Signers = []image.Signer{signer}

			results := l.sync(oneOf(registry, "app", "1.0"))

			requireAll(t, report.Done, results)
			require.Equal(t, "signatures added", results[0].Reason)
			require.Equal(t, made, results[0].Digest)
			require.True(t, results[0].Verified)
			if name == "beside it" { // which never knows its own
				return
			}
			require.Positive(t, results[0].BytesWritten)
			again := l.sync(oneOf(registry, "app", "1.0"))
			requireAll(t, report.Unchanged, again)
			require.Empty(t, again[0].Reason)
			require.Zero(t, again[0].BytesWritten)
		})
	}
}
