package origin

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/spec"
)

// FuzzParse reads one input as everything that servers are asked for.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob(examples + "*")
	require.NoError(f, err)
	require.NotEmpty(f, seeds)
	for _, seed := range seeds {
		content, err := os.ReadFile(seed)
		require.NoError(f, err)
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if list, _, err := parseList(string(content)); err == nil {
			requireNames(t, list)
		}
		if list, _, err := parseContainers(content, &spec.Tripleo{}); err == nil {
			requireNames(t, list)
		}
		if commit, _, err := parseVersions(content); err == nil {
			require.Regexp(t, commitForm, commit)
		}
		if hash, err := parsePromotions(content, "a"); err == nil {
			require.Regexp(t, hashForm, hash)
		}
		for _, image := range (&finder{Promotion: &spec.Promotion{}}).parseBuild(string(content)) {
			require.Regexp(t, hashForm, image.hash)
		}
		_, _, _ = parseExclusions(content, "master", "centos9")
		_, _ = parseBuilds(content, "a")
	})
}

func requireNames(t *testing.T, names []string) {
	t.Helper()
	require.NotEmpty(t, names)
	for _, name := range names {
		require.NoError(t, spec.CheckImage(name))
	}
}
