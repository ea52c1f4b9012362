package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTheNameOfTheFileChoosesTheFormat(t *testing.T) {
	t.Parallel()
	for name, begins := range map[string]string{
		"report.json": "{", "report": "{", "report.html": "<!DOCTYPE html>", "REPORT.HTM": "<!DOCTYPE html>",
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, samples()["done"].WriteFile(path))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(data, []byte(begins)), name)
	}
}

func TestAFileIsReplacedWholeAndReadableByAll(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "report.json")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("old"), 100_000), 0o600))
	require.NoError(t, samples()["done"].WriteFile(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, json.Valid(data))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode())
	requireOnly(t, directory, "report.json")
}

func TestALinkToAReportStaysALink(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, "today.json"), nil, 0o644))
	require.NoError(t, os.Symlink("today.json", filepath.Join(directory, "latest.json")))
	require.NoError(t, samples()["done"].WriteFile(filepath.Join(directory, "latest.json")))
	link, err := os.Readlink(filepath.Join(directory, "latest.json"))
	require.NoError(t, err)
	require.Equal(t, "today.json", link)
	data, err := os.ReadFile(filepath.Join(directory, "today.json"))
	require.NoError(t, err)
	require.True(t, json.Valid(data))
}

func TestANamedPipeIsWrittenToAndStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer reader.Close()
	require.NoError(t, New("sync", "1.2.0", false, start).WriteFile(path))
	var first [1]byte
	_, err = reader.Read(first[:])
	require.NoError(t, err)
	require.Equal(t, "{", string(first[:]))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
}

func TestAFileThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, path := range []string{directory, filepath.Join(directory, "absent", "report.json")} {
		require.ErrorContains(t, samples()["done"].WriteFile(path), path)
	}
	requireOnly(t, directory)
}

func TestAFailedWriteLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "report.json")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	r := samples()["done"]
	r.Started = r.Started.AddDate(10_000, 0, 0) // no year of four digits: JSON refuses it
	require.Error(t, r.WriteFile(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(data))
	requireOnly(t, directory, "report.json")
}

// requireOnly fails unless directory has exactly the files of these names.
func requireOnly(t *testing.T, directory string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	require.Equal(t, names, got)
}
