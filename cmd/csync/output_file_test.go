package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADirectoryThatCannotBeWrittenToIsFoundOutFirst(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root writes everywhere")
	}
	directory := t.TempDir()
	old := filepath.Join(directory, "old")
	require.NoError(t, os.WriteFile(old, nil, 0o600))
	require.NoError(t, os.Chmod(directory, 0o555))
	t.Cleanup(func() { require.NoError(t, os.Chmod(directory, 0o755)) }) // or it could not be removed
	require.ErrorIs(t, output{"--report", filepath.Join(directory, "new")}.check(), os.ErrPermission)
	require.ErrorIs(t, output{"--report", old}.check(), os.ErrPermission, "a new one takes its place")
	require.NoError(t, output{"--digestfile", old}.check(), "it is written to")
	require.NoError(t, os.Chmod(old, 0o444))
	require.ErrorIs(t, output{"--digestfile", old}.check(), os.ErrPermission)
}

func TestPathsToOneFileAreTheSame(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	in := func(name string) string { return filepath.Join(directory, name) }
	require.NoError(t, os.Mkdir(in("real"), 0o755))
	require.NoError(t, os.WriteFile(in("real/old"), nil, 0o600))
	require.NoError(t, os.Symlink("real", in("link")))
	require.NoError(t, os.Symlink("real/new", in("dangling")))
	require.NoError(t, os.Symlink("loop", in("loop")))
	require.NoError(t, os.Link(in("real/old"), in("hard")))
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"real/old", "link/old", true},
		{"real/old", "hard", true},
		{"real/new", "link/../real/./new", true},
		{"real/new", "link/new", true},
		{"link/new", "dangling", true},
		{"real/old", "real/new", false},
		{"none/a", "none/b", false},
		{"loop", "real/new", false},
	} {
		require.Equal(t, test.same, sameFile(in(test.a), in(test.b)), "%s and %s", test.a, test.b)
	}
}
