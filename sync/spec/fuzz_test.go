package spec

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob(examples + "*.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, seeds)
	for _, seed := range seeds {
		content, err := os.ReadFile(seed)
		require.NoError(f, err)
		f.Add(content)
	}
	f.Add([]byte("a.io: &a {<<: [*a, {images: {b: [c@d]}}], csync: {repositories: {'**': {latest: 0}}}}"))
	f.Add([]byte("registries: [{name: a.io, src: true}]\nimages: [{name: b, dmap: {'sha256:0': [c]}}]\nrenames: []"))
	f.Fuzz(func(t *testing.T, input []byte) {
		file, err := Load("f", bytes.NewReader(input), Strict)
		if err != nil {
			requirePositions(t, err, input)
			return
		}
		require.Empty(t, file.Problems)
		for _, source := range file.Sources {
			require.NotEmpty(t, source.Registry)
			for i := range source.Repositories {
				require.True(t, source.Repositories[i].choosesAnything())
				source.Repositories[i].Wants("1.2.3")
			}
		}
		again, err := Load("f", bytes.NewReader(input), Lenient)
		require.NoError(t, err, "what is valid strictly is valid leniently")
		require.Len(t, again.Sources, len(file.Sources))
	})
}

func FuzzLoadPromotion(f *testing.F) {
	seeds, err := filepath.Glob(examples + "promotion/*.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, seeds)
	for _, seed := range seeds {
		content, err := os.ReadFile(seed)
		require.NoError(f, err)
		f.Add(content)
	}
	f.Add([]byte("destinations: [&a {<<: *a, registry: a.io, rename: {'': $2}}]\nimages: {lacking: {amd64: [b]}}\nhash: {value: 1}"))
	f.Fuzz(func(t *testing.T, input []byte) {
		p, err := LoadPromotion("f", bytes.NewReader(input))
		if err != nil {
			requirePositions(t, err, input)
			return
		}
		if p.Check() != nil {
			return
		}
		require.NoError(t, Lint("f", bytes.NewReader(input)), "what can be promoted has no mistakes")
		require.Contains(t, p.IndexTag, "{hash}")
		require.NotEmpty(t, p.Index)
		require.Regexp(t, wholeTag, p.Label)
		for _, destination := range p.Destinations {
			require.NotEmpty(t, destination.Registry)
			destination.Repository("openstack-base")
		}
		p.MayMove(p.Label)
	})
}

// requirePositions requires that err is problems with places in the input.
func requirePositions(t *testing.T, err error, input []byte) {
	var found Problems
	require.True(t, errors.As(err, &found), "%v", err)
	require.NotEmpty(t, found)
	// YAML has more line breaks than "\n".
	breaks := bytes.Count(input, []byte("\n")) + bytes.Count(input, []byte("\r")) + bytes.Count(input, []byte("\u0085")) +
		bytes.Count(input, []byte("\u2028")) + bytes.Count(input, []byte("\u2029"))
	if bytes.HasPrefix(input, []byte("\xff\xfe")) || bytes.HasPrefix(input, []byte("\xfe\xff")) {
		breaks = len(input) // UTF-16, where they look different
	}
	for _, problem := range found {
		require.NotEmpty(t, problem.Text)
		require.Positive(t, problem.Line)
		require.LessOrEqual(t, problem.Line, breaks+2, "the end of the input may be a line of its own")
		require.Positive(t, problem.Column)
		require.LessOrEqual(t, problem.Column, len(input)+2)
	}
}

func FuzzParsePlatform(f *testing.F) {
	for _, seed := range []string{"amd64", "linux/arm/v7", "linux/", "//", "arm64/v8", "windows/amd64"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		platform, err := ParsePlatform(text)
		if err != nil {
			return
		}
		written := platform.OS + "/" + platform.Architecture
		if platform.Variant != "" {
			written += "/" + platform.Variant
		}
		require.Contains(t, []string{written, "linux/" + text}, written)
		again, err := ParsePlatform(written)
		require.NoError(t, err)
		require.Equal(t, platform, again)
	})
}
