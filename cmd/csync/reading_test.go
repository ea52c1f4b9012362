package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

var update = flag.Bool("update", false, "write the golden outputs anew")

// ended is how a run of csync came out.
type ended struct {
	code     int
	out, err string
}

// runCsync runs the program with nothing on standard input.
func runCsync(t *testing.T, args ...string) ended {
	t.Helper()
	return runCsyncWith(t, "", args...)
}

func runCsyncWith(t *testing.T, input string, args ...string) ended {
	t.Helper()
	keepLogging(t)
	var out, err bytes.Buffer
	code := program(t.Context(), args, streams{in: strings.NewReader(input), out: &out, err: &err})
	return ended{code, out.String(), err.String()}
}

// requireGolden compares an output with testdata/inspect/NAME, where the
// registry is called registry.example.com.
func requireGolden(t *testing.T, name string, registry *registrytest.Registry, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, registry.Host(), "registry.example.com")
	path := filepath.Join("..", "..", "testdata", "inspect", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestReadingVerbsRefuseWrongUsage(t *testing.T) {
	for _, test := range []struct{ args, says string }{
		{"inspect", "REFERENCE is missing; csync inspect --help"},
		{"inspect --raw a b", "one REFERENCE is taken, not 2"},
		{"inspect --output xml a", `--output "xml" is neither json nor text`},
		{"inspect docker://UPPER", `parsing "docker://UPPER"`},
		{"inspect docker-archive:file:UPPER", `parsing "docker-archive:file:UPPER"`},
		{"list-tags", "REPOSITORY is missing"},
		{"list-tags q.io/a:1", `"q.io/a:1": a repository is taken, without tag or digest`},
		{"list-tags --select ( q.io/a", `--select "("`},
		{"list-tags --exclude ( q.io/a", `--exclude "("`},
		{"list-tags --semver >>1 q.io/a", `--semver ">>1"`},
		{"list-tags --creds x:y --no-creds q.io/a", "--creds and --no-creds"},
		{"list-repos", "REGISTRY is missing"},
		{"login", "REGISTRY is missing"},
		{"logout a b", "one REGISTRY is taken, not 2"},
		{"schema x", `"x": there are schemas for cip, `},
		{"schema source x", "one NAME is taken, not 2"},
	} {
		t.Run(test.args, func(t *testing.T) {
			got := runCsync(t, strings.Fields(test.args)...)
			require.Equal(t, exitNoRun, got.code)
			require.Empty(t, got.out)
			require.Contains(t, got.err, test.says)
		})
	}
}

func TestAnInterruptedReadEndsWithItsOwnCode(t *testing.T) {
	keepLogging(t)
	registry := registrytest.Start(t)
	ctx, interrupt := context.WithCancel(t.Context())
	registry.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		interrupt()
		<-r.Context().Done()
		return true
	})
	for _, verb := range []string{"inspect", "list-tags"} {
		args := []string{verb, "--tls-verify=false", registry.Host() + "/app"}
		require.Equal(t, exitInterrupted, program(ctx, args, streams{out: io.Discard, err: io.Discard}), verb)
	}
}

func TestACredentialsFileThatIsNotThereEndsEverything(t *testing.T) {
	got := runCsync(t, "list-repos", "--authfile", filepath.Join(t.TempDir(), "none.json"), "registry.invalid")
	require.Equal(t, exitNoRun, got.code)
	require.Contains(t, got.err, "reading credentials file")
}
