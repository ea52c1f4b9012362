package spec

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestLinesAreWordsWithTheirPlaces(t *testing.T) {
	t.Parallel()
	lines, err := LoadLines("f.txt", strings.NewReader("# what moves\n\nq.io/a:1  x\ty # and z\n   ö q.io/b#c x x\r\n"))
	require.NoError(t, err)
	at := func(line, column int, text string) Word { return Word{Position{"f.txt", line, column}, text} }
	require.Equal(t, [][]Word{
		{at(3, 1, "q.io/a:1"), at(3, 11, "x"), at(3, 13, "y")},
		{at(4, 4, "ö"), at(4, 6, "q.io/b#c"), at(4, 15, "x"), at(4, 17, "x")},
	}, lines)
}

func TestLinesThatCannotBeReadAreAMistake(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":   {"# nothing\n\n", "f.txt: nothing is asked for"},
		"far more":  {strings.Repeat("q.io/a:1 x\n", 800_000), "f.txt: more than 8 MB; write several files"},
		"empty too": {"", "f.txt: nothing is asked for"},
	} {
		_, err := LoadLines("f.txt", strings.NewReader(c.text))
		require.True(t, fault.Is(err, fault.Input), name)
		require.EqualError(t, err, c.want, name)
	}
	path := filepath.Join(t.TempDir(), "none.txt")
	_, err := LoadLinesPath(path)
	require.EqualError(t, err, path+": no such file or directory")
}
