package run_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

// closedPort is an address that refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func TestARegistryThatRefusesConnectionsFailsAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	source, destination, closed := registrytest.Start(t), registrytest.Start(t), closedPort(t)
	source.Push(t, "web", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+destination.Host(), "docker://"+closed)

	results := l.sync(allOf(source, "web") + closed + ":\n  images: {app: ['1.0'], lib: []}\n")

	require.Len(t, results, 6)
	for _, result := range results {
		switch {
		case strings.Contains(result.Source, closed):
			requireFailure(t, result, fault.Network, fault.Source, closed, "refused")
		case strings.Contains(result.Destination, closed):
			requireFailure(t, result, fault.Network, fault.Destination, closed, "refused")
		default:
			require.Equal(t, report.Done, result.Status)
		}
	}
	require.Equal(t, []string{"1.0"}, destination.Tags(t, "web"))
}

func TestARegistryThatDoesNotAnswerIsGivenUpWhenTheTimeIsOver(t *testing.T) {
	t.Parallel()
	silent, source, destination := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	silent.Push(t, "app", "1.0", registrytest.RandomImage(1))
	source.Push(t, "web", "1.0", registrytest.RandomImage(1))
	hold(t, silent, func(*http.Request) bool { return true })
	l := newLab(t, "docker://"+destination.Host())
	wanted, err := spec.Load("images.yaml", strings.NewReader(oneOf(silent, "app", "1.0")+oneOf(source, "web", "1.0")), spec.Strict)
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()

	p := l.planFile(ctx, wanted)
	l.run(ctx, p)

	require.Len(t, p.Results(), 2)
	for _, result := range p.Results() {
		require.Equal(t, report.Failed, result.Status)
		require.Equal(t, fault.Cancelled, result.Error.Kind, result.Error.Message)
	}
}

func TestAHostThatIsNotKnownFailsAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	source.Push(t, "web", "1.0", registrytest.RandomImage(1))
	unknown := strings.Repeat("x", 64) + ".invalid" // too long a name for any server to be asked

	results := newLab(t, "dir:"+directory).sync(allOf(source, "web") + unknown + ":\n  images: {app: ['1.0']}\n")

	require.Len(t, results, 2)
	requireFailure(t, results[0], fault.Network, fault.Source, unknown, "no such host")
	require.Equal(t, report.Done, results[1].Status)
	require.Equal(t, []string{"web:1.0"}, entriesOf(t, directory))
}
