package run_test

import (
	"net/http"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestAnImageThatIsItsOwnSourceSaysWhenItWasSigned(t *testing.T) {
	t.Parallel()
	_, attached := sigstoreOf(t, ours)
	for name, signer := range map[string]image.Signer{"beside it": gpgOf(t, ours), "attached": attached} {
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

// labelled plans a further tag of an image that its destination has. another is
// an image that the destination has as well.
func labelled(t *testing.T) (l *lab, p *plan.Plan, destination *registrytest.Registry, there, another digest.Digest) {
	t.Helper()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	there = source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	destination.Push(t, "app", "1.0", registrytest.RandomImage(1))
	another = destination.Push(t, "app", "2.0", registrytest.RandomImage(2))
	l = newLab(t, "docker://"+destination.Host())
	p = l.plan(oneOf(source, "app", "1.0", "csync: {repositories: {app: {tags: {'1.0': [stable]}}}}"))
	require.Equal(t, report.Unchanged, p.Steps[0].Result.Status)
	require.True(t, p.Steps[1].ToDo())
	return l, p, destination, there, another
}

func TestAFurtherTagNamesWhatItsImageIsWhereTheSourceMovedBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	l, p, destination, there, another := labelled(t)
	p.Steps[1].Wanted, p.Steps[1].Result.SourceDigest = another, another

	l.run(t.Context(), p)

	result := p.Steps[1].Result
	require.Equal(t, report.Done, result.Status, result.Error)
	require.Equal(t, there, destination.Digest(t, "app", "stable"))
	require.Equal(t, there, result.Digest)
	require.Equal(t, there, result.SourceDigest)
}

func TestAFurtherTagOfWhatTheDestinationHasLostFailsThere(t *testing.T) {
	t.Parallel()
	l, p, destination, _, _ := labelled(t)
	destination.Intercept(answering(registrytest.ManifestGet, http.StatusForbidden, "DENIED"))

	l.run(t.Context(), p)

	requireFailure(t, p.Steps[1].Result, fault.Denied, fault.Destination)
}
