package main

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const nobody = 65534

// asUser calls check as a user to whom directories may be closed: root's tests do
// so as nobody. The files of path are made that user's.
func asUser(t *testing.T, check func(), paths ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		check()
		return
	}
	require.NoError(t, os.Chmod(filepath.Dir(paths[0]), 0o755)) // which t.TempDir made for its user alone
	for _, path := range paths {
		require.NoError(t, os.Chown(path, nobody, nobody))
	}
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread()                                                                // and never unlocked: the thread ends with the goroutine
		_, _, failed := unix.RawSyscall(unix.SYS_SETRESUID, nobody, ^uintptr(0), ^uintptr(0)) // access(2) asks the real user's rights
		if failed == 0 {
			check()
		}
		done <- failed
	}()
	require.Zero(t, <-done)
}

func TestADirectoryThatCannotBeWrittenToIsFoundOutFirst(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	old := filepath.Join(directory, "old")
	require.NoError(t, os.WriteFile(old, nil, 0o600))
	require.NoError(t, os.Chmod(directory, 0o555))
	t.Cleanup(func() { require.NoError(t, os.Chmod(directory, 0o755)) }) // or it could not be removed
	var made, replaced, written, kept error
	asUser(t, func() {
		made = output{"--report", filepath.Join(directory, "new")}.check()
		replaced = output{"--report", old}.check()
		written = output{"--digestfile", old}.check()
	}, directory, old)
	require.NoError(t, os.Chmod(old, 0o444))
	asUser(t, func() { kept = output{"--digestfile", old}.check() }, directory, old)
	require.ErrorIs(t, made, os.ErrPermission)
	require.ErrorIs(t, replaced, os.ErrPermission, "a new one takes its place")
	require.NoError(t, written, "it is written to")
	require.ErrorIs(t, kept, os.ErrPermission)
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
