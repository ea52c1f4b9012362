package spec

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

// gitRepository is one with manifests.
type gitRepository struct {
	*testing.T
	directory string
}

func newGitRepository(t *testing.T) gitRepository {
	t.Helper()
	g := gitRepository{t, t.TempDir()}
	g.git("init", "--quiet", "--initial-branch=main")
	return g
}

func (g gitRepository) git(arguments ...string) {
	g.Helper()
	who := []string{"-c", "user.name=ci", "-c", "user.email=ci@example.com", "-c", "commit.gpgsign=false"}
	command := exec.CommandContext(g.Context(), "git", append(who, arguments...)...)
	command.Dir = g.directory
	output, err := command.CombinedOutput()
	require.NoError(g, err, string(output))
}

func (g gitRepository) commit(files map[string]string) {
	g.Helper()
	for name, content := range files {
		path := filepath.Join(g.directory, name)
		require.NoError(g, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(g, os.WriteFile(path, []byte(content), 0o600))
	}
	g.git("add", "--all")
	g.git("commit", "--quiet", "--message=change")
}

func (g gitRepository) since(path, ref string) []string {
	g.Helper()
	file, err := LoadSince(g.Context(), filepath.Join(g.directory, path), ref)
	require.NoError(g, err)
	var words []string
	for _, source := range file.Sources {
		for _, destination := range source.Destinations {
			for _, repository := range source.Repositories {
				for _, d := range repository.Digests {
					words = append(words, strings.Join([]string{destination.Registry, repository.Destination, d.Digest.String()[:10], strings.Join(d.Tags, "+")}, " "))
				}
			}
		}
	}
	return words
}

const someRegistries = "registries: [{name: src.io/a, src: true}, {name: one.io}]\n"

func TestSinceLeavesTheEntriesThatAreNew(t *testing.T) {
	t.Parallel()
	g := newGitRepository(t)
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1]}}]\n"})
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1, v1.0], '" + digestB + "': []}}, {name: lib, dmap: {'" + digestA + "': [v1]}}]\n"})

	require.Equal(t, []string{
		"one.io app " + digestA[:10] + " v1.0", "one.io app " + digestB[:10] + " ", "one.io lib " + digestA[:10] + " v1",
	}, g.since("m.yaml", "HEAD^"))
	require.Empty(t, g.since("m.yaml", "HEAD"))
	require.Empty(t, g.since("m.yaml", "main"))
}

func TestSinceTakesEverythingForADestinationThatIsNew(t *testing.T) {
	t.Parallel()
	g := newGitRepository(t)
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1]}}]\n"})
	g.commit(map[string]string{"m.yaml": "registries: [{name: src.io/a, src: true}, {name: one.io}, {name: three.io}, {name: two.io}]\n" +
		"images: [{name: app, dmap: {'" + digestA + "': [v1], '" + digestB + "': [v2]}}]\n"})

	require.Equal(t, []string{
		"one.io app " + digestB[:10] + " v2",
		"three.io app " + digestA[:10] + " v1", "three.io app " + digestB[:10] + " v2",
		"two.io app " + digestA[:10] + " v1", "two.io app " + digestB[:10] + " v2",
	}, g.since("m.yaml", "HEAD^"))
}

func TestSinceTakesEverythingOfWhatWasNotThere(t *testing.T) {
	t.Parallel()
	g := newGitRepository(t)
	g.commit(map[string]string{"README": "nothing"})
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1]}}]\n"})

	require.Equal(t, []string{"one.io app " + digestA[:10] + " v1"}, g.since("m.yaml", "HEAD^"))
}

func TestSinceReadsDirectoriesOfThinManifests(t *testing.T) {
	t.Parallel()
	g := newGitRepository(t)
	g.commit(map[string]string{
		"k8s/manifests/a/promoter-manifest.yaml": someRegistries,
		"k8s/images/a/images.yaml":               "[{name: app, dmap: {'" + digestA + "': [v1]}}]\n",
		"k8s/images/a/OWNERS":                    "approvers: []\n",
	})
	g.commit(map[string]string{
		"k8s/images/a/images.yaml":               "[{name: app, dmap: {'" + digestA + "': [v1], '" + digestB + "': [v2]}}]\n",
		"k8s/manifests/b/promoter-manifest.yaml": strings.Replace(someRegistries, "src.io/a", "src.io/b", 1),
		"k8s/images/b/images.yaml":               "[{name: lib, dmap: {'" + digestA + "': [v1]}}]\n",
	})

	require.Equal(t, []string{"one.io app " + digestB[:10] + " v2", "one.io lib " + digestA[:10] + " v1"}, g.since("k8s", "HEAD^"))
}

func TestWhatWasAMistakeThenIsNewNow(t *testing.T) {
	t.Parallel()
	g := newGitRepository(t)
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'sha256:1': [v1], '" + digestB + "': [v2]}}]\n"})
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1], '" + digestB + "': [v2]}}]\n"})

	require.Equal(t, []string{"one.io app " + digestA[:10] + " v1"}, g.since("m.yaml", "HEAD^"))
}

func TestASinceThatCannotBeAnsweredIsAnInputError(t *testing.T) {
	t.Parallel()
	g := newGitRepository(t)
	manifest := someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1]}}]\n"
	g.commit(map[string]string{"m.yaml": manifest, "images.yaml": "src.io: {images: {app: [v1]}}\n", "old.yaml": "registries: [\n"})
	g.commit(map[string]string{"old.yaml": manifest})
	outside := filepath.Join(t.TempDir(), "m.yaml")
	require.NoError(t, os.WriteFile(outside, []byte(manifest), 0o600))
	for name, test := range map[string]struct{ path, ref, want string }{
		"an option":                  {"m.yaml", "--output=x", `"--output=x" is no commit`},
		"nothing":                    {"m.yaml", "", `"" is no commit`},
		"an unknown commit":          {"m.yaml", "v9", `"v9" is no commit that git knows`},
		"a tree":                     {"m.yaml", "HEAD:", `"HEAD:" is no commit that git knows`},
		"a source file":              {"images.yaml", "HEAD", "is not a manifest of cip"},
		"what could not be read":     {"old.yaml", "HEAD^", "old.yaml:1:1: not YAML"},
		"a file outside of any":      {outside, "HEAD", "not a git repository"},
		"standard input":             {"-", "HEAD", "standard input has no history"},
		"a manifest that is not now": {"none.yaml", "HEAD", "no such file"},
	} {
		path := test.path
		if path != "-" && !filepath.IsAbs(path) {
			path = filepath.Join(g.directory, path)
		}
		_, err := LoadSince(t.Context(), path, test.ref)
		require.ErrorContains(t, err, test.want, name)
		require.True(t, fault.Is(err, fault.Input), name)
	}
}

func TestSinceNeedsGit(t *testing.T) {
	g := newGitRepository(t)
	g.commit(map[string]string{"m.yaml": someRegistries + "images: [{name: app, dmap: {'" + digestA + "': [v1]}}]\n"})
	t.Setenv("PATH", t.TempDir())

	_, err := LoadSince(t.Context(), filepath.Join(g.directory, "m.yaml"), "HEAD")

	require.ErrorContains(t, err, "there is no git")
	require.True(t, fault.Is(err, fault.Input))
}
