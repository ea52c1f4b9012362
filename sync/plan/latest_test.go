package plan

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesAreComparedWithTheirNumbersAsNumbers(t *testing.T) {
	t.Parallel()
	// What begins with a number, a date for one, is newer than what does not.
	sorted := []string{"", "a", "a1", "a1b", "a2", "a10", "b", "r9.2", "r9.10", "r10.0", "1", "9", "10"}
	shuffled := slices.Clone(sorted)
	slices.Reverse(shuffled)

	slices.SortFunc(shuffled, naturally)

	require.Equal(t, sorted, shuffled)
	for i, a := range sorted {
		for j, b := range sorted {
			require.Equal(t, min(max(i-j, -1), 1), naturally(a, b), "%q and %q", a, b)
		}
	}
}

func TestLeadingZerosDoNotCount(t *testing.T) {
	t.Parallel()
	require.Zero(t, naturally("build-007", "build-7"))
	require.Negative(t, naturally("build-007", "build-8"))
}

func TestTagOrdersAndPathModesAreParsed(t *testing.T) {
	t.Parallel()
	order, err := ParseTagOrder("created")
	require.NoError(t, err)
	require.Equal(t, ByCreated, order)
	_, err = ParseTagOrder("age")
	require.ErrorContains(t, err, `"age" is not name or created`)
	mode, err := ParsePathMode("full")
	require.NoError(t, err)
	require.Equal(t, PathFull, mode)
	_, err = ParsePathMode("deep")
	require.ErrorContains(t, err, `"deep" is not name, path or full`)
}
