package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain removes the program that tests have run.
func TestMain(m *testing.M) {
	code := m.Run()
	directory, err := programDirectory()
	if err = errors.Join(err, os.RemoveAll(directory)); err != nil {
		fmt.Fprintln(os.Stderr, "removing the program:", err)
		code = 1
	}
	os.Exit(code)
}

var programDirectory = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "csync-program-") })

// buildProgram gives the directory of the program itself, built once for all
// tests, and as they are: what tests import takes longer to start than the program
// takes to run.
func buildProgram(t *testing.T) string {
	t.Helper()
	directory, err := builtProgram()
	require.NoError(t, err)
	return directory
}

var builtProgram = sync.OnceValues(func() (string, error) {
	directory, err := programDirectory()
	if err != nil {
		return "", err
	}
	arguments := []string{"build", "-ldflags=-w", "-o", filepath.Join(directory, "csync")} // without DWARF, which takes a quarter of the time
	about, _ := debug.ReadBuildInfo()
	for _, setting := range about.Settings {
		if setting.Key == "-race" || setting.Key == "-tags" {
			arguments = append(arguments, setting.Key+"="+setting.Value)
		}
	}
	if output, err := exec.Command("go", arguments...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, output)
	}
	return directory, nil
})
