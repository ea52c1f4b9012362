package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// programs is the directory with csync.
var programs string

func TestMain(m *testing.M) {
	os.Exit(withCsync(m))
}

func withCsync(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "csync-demo-"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(programs) }() // it is below the system's own
	build := exec.Command("go", "build", "-o", filepath.Join(programs, "csync"), "csync/cmd/csync")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if message, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("building csync: %v\n%s", err, message))
	}
	return m.Run()
}

// TestTheDemoDoesWhatItSays gives the whole demo but the cross builds: the
// layers are small ones, csync is the real one.
func TestTheDemoDoesWhatItSays(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer

	err := show(t.Context(), smallStage(t, &out))

	require.NoError(t, err, out.String())
	require.Contains(t, out.String(), "5 in all: 4 copied, 1 retagged")
	require.Contains(t, out.String(), "5 in all: 5 unchanged")
	require.Contains(t, out.String(), "5 in all: 1 copied, 4 unchanged")
	require.Contains(t, out.String(), "8 in all: 1 failed, 3 copied, 4 skipped")
	require.Contains(t, out.String(), "8 in all: 1 copied, 4 retagged, 3 unchanged")
	require.Contains(t, out.String(), "4 in all: 4 retagged")
	require.True(t, strings.HasSuffix(out.String(), "The demo did what it says.\n"), out.String())
}

// TestTheReadmeShowsWhatTheDemoPrints compares without numbers and blanks: the
// demo has other ports, digests, sizes and times each time.
func TestTheReadmeShowsWhatTheDemoPrints(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, shown, found := strings.Cut(string(readme), "```text\n$ make demo\n")
	require.True(t, found)
	shown, _, _ = strings.Cut(shown, "```")
	var out bytes.Buffer
	require.NoError(t, show(t.Context(), smallStage(t, &out)), out.String())

	printed := strings.Split(plain(out.String()), "\n")
	for line := range strings.Lines(shown) {
		if line != "…\n" {
			require.Contains(t, printed, strings.TrimSuffix(plain(line), "\n"))
		}
	}
}

var varying = regexp.MustCompile(`sha256:[0-9a-f]+|\d+(\.\d+)? ?([kM]?B|m?s)?\b| +`)

func plain(text string) string { return varying.ReplaceAllString(text, "") }

func TestTheDemoFailsWhereSomethingIsNotAsItSays(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := smallStage(t, &out)
	s.example = strings.Replace(s.example, ">= 1.0", "> 1.0", 1) // one image less

	require.ErrorContains(t, show(t.Context(), s), "the report sums up to {total:4 copied:3 retagged:1 unchanged:0}")
}

func smallStage(t *testing.T, out *bytes.Buffer) stage {
	t.Helper()
	example, err := os.ReadFile(filepath.Join("..", "..", examplePath))
	require.NoError(t, err)
	layers := map[string]registrytest.Blob{}
	for i, platform := range platforms {
		layers[platform] = registrytest.RandomLayer(i, 100_000)
	}
	return stage{out: out, programs: programs, scratch: t.TempDir(), example: string(example), stock: stock{layers}}
}
