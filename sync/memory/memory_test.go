package memory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsKeptIsThereNextTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deeper", "facts.json")
	f, err := Open[int](path)
	require.NoError(t, err)
	f.Keep("a", 1)
	require.NoError(t, f.Save())

	again, err := Open[int](path)
	require.NoError(t, err)
	value, found := again.Find("a")
	require.True(t, found)
	require.Equal(t, 1, value)
	_, found = again.Find("b")
	require.False(t, found)
	stat, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), stat.Mode().Perm())
}

func TestWhatCannotBeUnderstoodIsBegunAnew(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "null", "{", `{"a":"no number"}`} {
		path := filepath.Join(t.TempDir(), "facts.json")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		f, err := Open[int](path)
		require.NoError(t, err)
		f.Keep("b", 2)
		require.NoError(t, f.Save())
	}
}

func TestNothingIsWrittenWhereNothingIsNew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "facts.json")
	f, err := Open[int](path)
	require.NoError(t, err)
	require.NoError(t, f.Save())
	require.NoFileExists(t, path)
}

func TestAFullFileIsBegunAnew(t *testing.T) {
	t.Parallel()
	f, err := Open[int](filepath.Join(t.TempDir(), "facts.json"))
	require.NoError(t, err)
	for i := range maxEntries {
		f.Keep(string(rune(i)), i)
	}
	f.Keep("one more", 1)
	require.LessOrEqual(t, len(f.entries), maxEntries)
	_, found := f.Find("one more")
	require.True(t, found)
}

func TestNothingIsRememberedWithoutAFile(t *testing.T) {
	t.Parallel()
	var f *File[int]
	f.Keep("a", 1)
	_, found := f.Find("a")
	require.False(t, found)
	require.NoError(t, f.Save())
}
