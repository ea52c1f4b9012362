package trust

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/types"
)

// configured is a system with the files as registries.d.
func configured(t *testing.T, files ...string) *types.SystemContext {
	t.Helper()
	directory := t.TempDir()
	for i, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(directory, fmt.Sprintf("%d.yaml", i)), []byte(content), 0o600))
	}
	return &types.SystemContext{RegistriesDirPath: directory}
}

func referenceTo(t *testing.T, name string) types.ImageReference {
	t.Helper()
	ref, err := docker.ParseReference("//" + name)
	require.NoError(t, err)
	return ref
}

func TestTheClosestScopeSaysWhereSignaturesAre(t *testing.T) {
	t.Parallel()
	d, err := readRegistriesD(configured(t, `
default-docker: {lookaside: 'https://default', use-sigstore-attachments: true}
docker:
  q.io: {lookaside: 'https://host', lookaside-staging: 'file:///staging', use-sigstore-attachments: false}
  q.io/a: {sigstore: 'https://old'}
`, `
docker:
  q.io/a/b: {sigstore-staging: 'file:///old', use-sigstore-attachments: true}
  'q.io/a/b:1': {lookaside: 'https://tag', sigstore: 'https://unused'}
  '*.example.com': {lookaside: 'https://wildcard'}
`))
	require.NoError(t, err)
	for name, expected := range map[string]struct {
		read, written string
		attachments   bool
	}{
		"q.io/a/b:1":           {"https://tag/a/b", "https://tag/a/b", true},
		"q.io/a/b:2":           {"https://old/a/b", "file:///old/a/b", true},
		"q.io/a/c:1":           {"https://old/a/c", "https://old/a/c", false},
		"q.io/b:1":             {"https://host/b", "file:///staging/b", false},
		"r.io/b:1":             {"https://default/b", "https://default/b", true},
		"www.example.com/x:1":  {"https://wildcard/x", "https://wildcard/x", true},
		"redis:7":              {"https://default/library/redis", "https://default/library/redis", true},
		"example.com:5000/x:1": {"https://default/x", "https://default/x", true},
	} {
		ref := referenceTo(t, name)
		read, err := d.lookaside(ref, false)
		require.NoError(t, err)
		require.Equal(t, expected.read, read.base.String(), name)
		written, err := d.lookaside(ref, true)
		require.NoError(t, err)
		require.Equal(t, expected.written, written.base.String(), name)
		require.Equal(t, expected.attachments, d.attachments(ref), name)
	}
}

func TestMistakesInRegistriesDAreErrors(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]string{
		"no YAML":            {"{"},
		"two defaults":       {"default-docker: {}", "default-docker: {}"},
		"a scope twice":      {"docker: {q.io: {}}", "docker: {q.io: {}}"},
		"a wrong type":       {"docker: {q.io: {lookaside: [1]}}"},
		"a wrong attachment": {"docker: {q.io: {use-sigstore-attachments: maybe}}"},
	} {
		_, err := readRegistriesD(configured(t, files...))
		require.ErrorContains(t, err, "reading registries.d", name)
	}
	d, err := readRegistriesD(configured(t, "docker: {q.io: {lookaside: ':'}}"))
	require.NoError(t, err)
	_, err = d.lookaside(referenceTo(t, "q.io/a:1"), false)
	require.ErrorContains(t, err, "reading registries.d: lookaside")
}

// randomRegistriesD is two files that say something of some scopes.
func randomRegistriesD(random *rand.Rand) []string {
	scopes := []string{
		"", "q.io", "*.io", "q.io:5000", "q.io/a", "q.io/a/b", "q.io/a/b:1", "q.io/a/b@sha256:" + zeros, "docker.io", "docker.io/library", "*.q.io",
	}
	settings := func() string {
		text := "{"
		for _, key := range []string{"lookaside", "lookaside-staging", "sigstore", "sigstore-staging"} {
			if random.IntN(3) == 0 {
				text += fmt.Sprintf("%s: 'https://%d/x', ", key, random.IntN(1000))
			}
		}
		return text + "}"
	}
	files := []string{"docker:\n  unused.io: {}\n", "docker:\n  unused.com: {}\n"}
	for _, scope := range scopes {
		if random.IntN(2) == 0 {
			files[random.IntN(2)] += fmt.Sprintf("  %q: %s\n", scope, settings())
		}
	}
	if random.IntN(2) == 0 {
		files[random.IntN(2)] += "default-docker: " + settings() + "\n"
	}
	return files
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestLookasidesAreWhereTheLibraryLooksForThem(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		files := randomRegistriesD(random)
		system := configured(t, files...)
		d, err := readRegistriesD(system)
		require.NoError(t, err, "%s", files)
		for _, name := range []string{"q.io/a/b:1", "q.io/a/b:2", "q.io/a/b@sha256:" + zeros, "q.io/a:1", "q.io/x:1", "q.io:5000/a/b:1", "r.io/a:1", "redis:7", "s.q.io/a:1", "r.com/a:1"} {
			ref := referenceTo(t, name)
			for _, write := range []bool{false, true} {
				expected, err := docker.SignatureStorageBaseURL(system, ref, write)
				require.NoError(t, err)
				found, err := d.lookaside(ref, write)
				require.NoError(t, err)
				require.Equal(t, expected.String(), found.base.String(), "%s, writing %t\n%s", name, write, files)
			}
		}
	}
}
