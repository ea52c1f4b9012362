package promote

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

var (
	moves = []intent{{Tag: "docker://a.io/x:l", Previous: "sha256:1", Wanted: "sha256:2"}, {Tag: "docker://a.io/y:l", Wanted: "sha256:3"}}
	begun = header{Journal: journalSchema, Promotion: "sha256:0", Hash: "h", Label: "l"}
)

// reopened is what somebody else finds in a journal.
func reopened(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path)
	require.NoError(t, err)
	return j
}

func TestAJournalHasWhatWasWrittenAsSoonAsItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "below", "journal")
	j := reopened(t, path)
	require.Nil(t, j.unfinished())
	require.NoError(t, j.end(ended), "what has not begun does not end")
	require.NoFileExists(t, path)

	require.NoError(t, j.begin(begun))
	require.Equal(t, begun, reopened(t, path).unfinished().header)
	require.NoError(t, j.intend(moves))
	require.Equal(t, moves, reopened(t, path).unfinished().tags)
	require.NoError(t, j.end(ended))
	require.Nil(t, reopened(t, path).unfinished())
	require.Equal(t, moves, reopened(t, path).last.tags)
}

func TestTheLastPromotionOfAJournalCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := reopened(t, path)
	require.NoError(t, j.begin(begun))
	require.NoError(t, j.intend(moves))
	require.NoError(t, j.end(ended))
	second := begun
	second.Hash = "i"
	require.NoError(t, j.begin(second))
	require.NoError(t, j.intend(moves[:1]))
	require.NoError(t, j.Close())

	last := reopened(t, path).unfinished()

	require.Equal(t, "i", last.Hash)
	require.Equal(t, moves[:1], last.tags)
}

func TestALineThatIsCutOffDoesNotCount(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := reopened(t, path)
	require.NoError(t, j.begin(begun))
	require.NoError(t, j.intend(moves))
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for length := range whole {
		require.NoError(t, os.WriteFile(path, whole[:length], 0o600))
		j := reopened(t, path)
		last := j.unfinished()
		if last == nil {
			require.NoError(t, j.begin(begun))
		} else {
			require.NoError(t, j.open())
		}
		require.NoError(t, j.intend(moves))
		require.NoError(t, j.Close())
		again := reopened(t, path).unfinished()
		require.Equal(t, begun, again.header, "cut at %d", length)
		require.Equal(t, moves, original(again.tags), "cut at %d", length)
	}
}

func TestTwoPromotionsDoNotShareAJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	first := reopened(t, path)
	require.NoError(t, first.begin(begun))
	second := reopened(t, path)
	err := second.open()
	require.True(t, fault.Is(err, fault.Conflict))
	require.ErrorContains(t, err, "another promotion is using it")
	require.NoError(t, first.end(ended))
	require.NoError(t, first.Close())
	require.ErrorContains(t, second.open(), "has used it meanwhile")
	third := reopened(t, path)
	require.NoError(t, third.begin(begun))
	require.NoError(t, third.Close())
}

func TestAJournalThatCannotBeWrittenIsToldBeforeAnythingMoves(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	j, err := OpenJournal(filepath.Join(file, "journal"))
	if err == nil {
		err = j.begin(begun)
	}
	require.True(t, fault.Is(err, fault.Input), "%v", err)
}

func TestOfATagThatMovedTwiceTheFirstNameCounts(t *testing.T) {
	t.Parallel()
	twice := append(moves[:2:2], intent{Tag: moves[0].Tag, Previous: "sha256:2", Wanted: "sha256:9"})
	require.Equal(t, []intent{{moves[0].Tag, "sha256:1", "sha256:9"}, moves[1]}, original(twice))
}
