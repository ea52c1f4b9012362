package plan

import (
	"errors"
	"fmt"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestWhatASourceFileChooses(t *testing.T) {
	t.Parallel()
	a, b := digest.FromString("a"), digest.FromString("b")
	for _, test := range []struct {
		name, file string
		want       []wanted
	}{
		{"every tag, sorted", "images: {app: []}", []wanted{
			{tag: "1.0", destinationTag: "1.0"}, {tag: "1.10", destinationTag: "1.10"}, {tag: "1.9", destinationTag: "1.9"}, {tag: "edge", destinationTag: "edge"},
		}},
		{"named tags in their order, listed or not", "images: {app: [edge, '3.0']}", []wanted{
			{tag: "edge", destinationTag: "edge"}, {tag: "3.0", destinationTag: "3.0"},
		}},
		{"a tag held to a digest", "images: {app: ['1.0@" + a.String() + "']}", []wanted{
			{tag: "1.0", digest: a, destinationTag: "1.0"},
		}},
		{"digests under no tag", "images: {app: ['" + b.String() + "', '" + a.String() + "']}", []wanted{{digest: b}, {digest: a}}},
		{"a pattern, without what is excluded", "images-by-tag-regex: {app: '^1'}\ncsync: {repositories: {app: {exclude: ['^1\\.0$']}}}", []wanted{
			{tag: "1.10", destinationTag: "1.10"}, {tag: "1.9", destinationTag: "1.9"},
		}},
		{"what is named and listed, once", "images: {app: [edge]}\nimages-by-tag-regex: {app: 'e'}", []wanted{
			{tag: "edge", destinationTag: "edge"},
		}},
		{"what is named, although it is excluded", "images: {app: [edge]}\ncsync: {repositories: {app: {exclude: [edge]}}}", []wanted{
			{tag: "edge", destinationTag: "edge"},
		}},
		{"the latest versions", "images-by-semver: {app: '>= 1.0'}\ncsync: {repositories: {app: {latest: 2}}}", []wanted{
			{tag: "1.10", destinationTag: "1.10"}, {tag: "1.9", destinationTag: "1.9"},
		}},
		{"further tags, behind what they need", "images: {app: ['1.0', edge]}\ncsync: {repositories: {app: {tags: {'1.0': [stable, '1']}}}}", []wanted{
			{tag: "1.0", destinationTag: "1.0"},
			{tag: "1.0", destinationTag: "stable", further: true},
			{tag: "1.0", destinationTag: "1", further: true},
			{tag: "edge", destinationTag: "edge"},
		}},
		{"further tags of what is left out, last and marked", "images: {app: []}\ncsync: {repositories: {app: {latest: 1, tags: {'1.0': [stable], '1.10': [next]}}}}", []wanted{
			{tag: "1.10", destinationTag: "1.10"},
			{tag: "1.10", destinationTag: "next", further: true},
			{tag: "1.0", destinationTag: "stable", further: true, unmet: true},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shop := newShop()
			for _, tag := range []string{"1.9", "1.0", "edge", "1.10"} {
				shop.image(tag, tag)
			}
			chosen, err := chosenBy(t, shop, test.file)
			require.NoError(t, err)
			require.Equal(t, test.want, chosen)
		})
	}
}

// chosenBy is what a source file wants of src.test/app, which is a shop.
func chosenBy(t *testing.T, shop *shop, file string) ([]wanted, error) {
	t.Helper()
	s := source{Repository: repositoryOf(t, "src.test:\n  "+indented(file)), registry: shop}
	chosen, err := s.choose(t.Context(), ByName)
	return chosen.wanted, err
}

func TestNoTagsAreListedWhereAllAreNamed(t *testing.T) {
	t.Parallel()
	shop := newShop()
	_, err := chosenBy(t, shop, "images: {app: [edge]}")
	require.NoError(t, err)
	require.Empty(t, shop.requests())
}

func TestNothingSelectedIsNoFailureAndNoListIsOne(t *testing.T) {
	t.Parallel()
	shop := newShop()
	shop.image("a", "1.0")
	_, err := chosenBy(t, shop, "images-by-tag-regex: {app: '^2'}")
	require.ErrorIs(t, err, ErrNothingSelected)

	shop.listing = fault.New(fault.Denied, errors.New("no"))
	chosen, err := chosenBy(t, shop, "images: {app: [edge]}\nimages-by-tag-regex: {app: '^2'}")
	require.True(t, fault.Is(err, fault.Denied), err)
	require.Equal(t, []wanted{{tag: "edge", destinationTag: "edge"}}, chosen, "what is named is done in any case")
}

func TestDigestsThatAreListedWithTheTagsAreKept(t *testing.T) {
	t.Parallel()
	shop := newShop()
	sum := shop.image("a", "1.0")
	shop.digests = map[string]digest.Digest{"1.0": sum}
	chosen, err := chosenBy(t, shop, "images: {app: []}")
	require.NoError(t, err)
	require.Equal(t, []wanted{{tag: "1.0", destinationTag: "1.0", listed: sum}}, chosen)
}

func TestADigestIsPushedUnderItsFirstTagAndTaggedWithTheOthers(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("a")
	for i, tags := range [][]string{nil, {"1"}, {"1", "1.0"}} {
		t.Run(fmt.Sprint(i, " tags"), func(t *testing.T) {
			t.Parallel()
			all := byDigest(specDigest(sum, tags...))
			require.Len(t, all, max(i, 1))
			for j, w := range all {
				require.Equal(t, sum, w.digest)
				require.Empty(t, w.tag)
				require.Equal(t, j > 0, w.further)
				require.Equal(t, i == 0, w.destinationTag == "")
			}
		})
	}
}
