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
	require.ErrorContains(t, err, `"deep" is not name, path, full, flat or nested`)
}

func TestTheLatestAreByVersionOnlyWhereAllTagsAreVersions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, first, second, third string // from the oldest to the newest, by age
		order                      TagOrder
		want                       []string
	}{
		{"versions", "1.9", "1.10", "2.0-rc1", ByName, []string{"1.10", "2.0-rc1"}},
		{"versions, whenever they were made", "2.0", "1.10", "1.9", ByCreated, []string{"1.10", "2.0"}},
		{"names", "r9", "r10", "r8", ByName, []string{"r10", "r9"}},
		{"names, one of which is a version", "r9", "r10", "2.0", ByName, []string{"2.0", "r10"}},
		{"names, by age", "r9", "r10", "r8", ByCreated, []string{"r10", "r8"}},
		{"names, one of which is a version, by age", "r9", "2.0", "r8", ByCreated, []string{"2.0", "r8"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shop := newShop()
			for day, tag := range []string{test.first, test.second, test.third} {
				shop.created(day+1, tag)
			}
			s := source{registry: shop}
			s.Latest, s.All = 2, true
			latest, err := s.selectListed(t.Context(), test.order)
			require.NoError(t, err)
			require.Equal(t, test.want, latest)

			s.Latest = 9
			latest, err = s.selectListed(t.Context(), test.order)
			require.NoError(t, err)
			require.Len(t, latest, 3, "there are no more")
		})
	}
}
