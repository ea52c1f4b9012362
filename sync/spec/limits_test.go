package spec

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAHugeFileIsRefusedWithoutBeingParsed(t *testing.T) {
	t.Parallel()
	const size = 50 << 20
	input := &io.LimitedReader{R: repeating("[{"), N: size}
	_, err := Load("f.yaml", input, Strict)
	require.EqualError(t, err, "f.yaml: more than 8 MB; write several files")
	require.Greater(t, input.N, int64(size-maxSize-64<<10), "read no further than the limit")
}

// repeating is an endless text.
type repeating string

func (r repeating) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte(r), len(p)/len(r)+1)), nil
}

func TestAliasesDoNotMakeMuchOfLittle(t *testing.T) {
	t.Parallel()
	t.Run("tags", func(t *testing.T) {
		t.Parallel()
		var bomb strings.Builder
		bomb.WriteString("q.io: {images: {r: &tags [" + strings.Repeat("a,", 5000) + "]}}\n")
		for i := range 1000 {
			fmt.Fprintf(&bomb, "q%d.io: {images: {r: *tags}}\n", i)
		}
		got := problems(t, bomb.String())
		require.Len(t, got, 1)
		require.Contains(t, got[0], "more than 1000000 values once aliases are expanded; write several files")
	})
	t.Run("merge keys", func(t *testing.T) {
		t.Parallel()
		var bomb strings.Builder
		bomb.WriteString("q0.io: &a0 {images: {r: [a]}}\n")
		for i := range 30 {
			fmt.Fprintf(&bomb, "q%d.io: &a%d {<<: [*a%d, *a%d, *a%d]}\n", i+1, i+1, i, i, i)
		}
		got := problems(t, bomb.String())
		require.Contains(t, strings.Join(got, "\n"), "more than 1000000 values once aliases are expanded; write several files")
	})
	t.Run("merge key of itself", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"f.yaml:1:7: merge keys go deeper than 32; write the keys out"},
			problems(t, "q.io: &a {<<: *a, images: {r: [a]}}"))
	})
	t.Run("list within itself", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"f.yaml:1:20: a tag must be text, not a list"},
			problems(t, "q.io: {images: {r: &a [*a]}}"))
	})
}

func TestDeepNestingIsAProblemOfSyntax(t *testing.T) {
	t.Parallel()
	got := problems(t, strings.Repeat("[", 1<<20))
	require.Len(t, got, 1)
	require.Contains(t, got[0], "not YAML: exceeded max depth of 10000")
}
