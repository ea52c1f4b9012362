package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/report"
)

func TestOnlyARepositoryThatIsNotThereIsFresh(t *testing.T) {
	t.Parallel()
	there := newShop()
	there.image("a", "1.0")
	for _, test := range []struct {
		name       string
		shop       *shop
		identifier string
		fresh      bool
		lacksOther bool
	}{
		{"not there", &shop{listing: fault.New(fault.NotFound, errors.New("no such repository"))}, "1.0", true, true},
		{"refused", &shop{listing: fault.New(fault.Denied, errors.New("no"))}, "1.0", false, false},
		{"out of reach", &shop{listing: fault.New(fault.Network, errors.New("no route"))}, "1.0", false, false},
		{"cannot list", &shop{listing: fault.New(fault.Unsupported, errors.New("no lists here"))}, "1.0", false, false},
		{"without tags", &shop{}, "1.0", true, true},
		{"without tags, by digest", &shop{}, digest.FromString("x").String(), false, true},
		{"with tags", there, "1.0", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			steps, _ := arrange([]*Step{between(t, newShop(), test.shop, test.identifier)})

			k := comparing(Request{}).learn(t.Context(), steps[0])

			require.Equal(t, test.fresh, k.fresh)
			require.Equal(t, test.lacksOther, k.lacks("other"))
			require.Equal(t, test.fresh, k.lacks(digest.FromString("x").String()), "of digests a list tells nothing")
			if test.shop == there {
				require.False(t, k.lacks("1.0"))
			}
		})
	}
}

func TestStepsOfOneRepositoryStandTogether(t *testing.T) {
	t.Parallel()
	one, two := newShop(), newShop()
	first, second, third := between(t, newShop(), one, "1.0"), between(t, newShop(), two, "1.0"), between(t, newShop(), one, "2.0")
	directory := between(t, newShop(), one, "3.0")
	directory.to = elsewhere{}
	done := between(t, newShop(), one, "4.0")
	done.Result.Status = report.Unchanged

	shelves, alone := arrange([]*Step{first, directory, second, done, third})

	require.Len(t, shelves, 2)
	require.Equal(t, []*Step{first, third}, shelves[0].steps)
	require.Equal(t, []*Step{second}, shelves[1].steps)
	require.Equal(t, []*Step{directory}, alone)
}

func TestAMissingFirstTagHasTheOthersListed(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	for _, tag := range []string{"1", "2", "3"} {
		source.image(tag, tag)
	}
	destination.image("3", "3")
	steps := []*Step{between(t, source, destination, "1"), between(t, source, destination, "2"), between(t, source, destination, "3")}

	comparing(Request{}).compare(t.Context(), steps)

	require.Equal(t, []string{"HEAD 1", "HEAD 3", "TAGS"}, destination.requests())
	require.Equal(t, []string{"GET " + source.named["1"].Digest.String(), "HEAD 1", "HEAD 3"}, source.requests())
	require.NotNil(t, steps[0].Manifest, "is read while the tags are listed")
	require.True(t, steps[0].ToDo())
	require.True(t, steps[1].ToDo())
	require.Empty(t, steps[1].Wanted, "the run reads the source in any case")
	require.Equal(t, report.Unchanged, steps[2].Result.Status)
	require.False(t, steps[1].Fresh)
}

func TestAFirstTagThatIsThereHasEachAskedFor(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	for _, shop := range []*shop{source, destination} {
		shop.image("1", "1", "2")
	}
	steps := []*Step{between(t, source, destination, "1"), between(t, source, destination, "2")}

	comparing(Request{}).compare(t.Context(), steps)

	require.Equal(t, []string{"HEAD 1", "HEAD 2"}, destination.requests())
	require.Equal(t, report.Unchanged, steps[1].Result.Status)
}

func TestManyTagsAreListedAtOnce(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	var steps []*Step
	destination.digests = map[string]digest.Digest{}
	for i := range worthListing {
		tag := fmt.Sprintf("1.%d", i)
		source.image(tag, tag)
		if i > 0 {
			destination.digests[tag] = destination.image(tag, tag)
		}
		steps = append(steps, between(t, source, destination, tag))
	}

	comparing(Request{}).compare(t.Context(), steps)

	require.Equal(t, []string{"TAGS"}, destination.requests(), "the list has digests")
	require.True(t, steps[0].ToDo())
	for _, step := range steps[1:] {
		require.Equal(t, report.Unchanged, step.Result.Status)
		require.Empty(t, step.Result.PreviousDigest)
	}
}

func TestNothingIsReadAheadThatARunMayNotNeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request Request
		change  func(*Step)
	}{
		{"a plan is all that is wanted", Request{ReadOnly: true}, func(*Step) {}},
		{"several destinations share what is read", Request{}, func(s *Step) { s.several = true }},
		{"it only gets a tag", Request{}, func(s *Step) { s.retag() }},
		{"it has failed", Request{}, func(s *Step) { s.Fail(errors.New("no")) }},
		{"its source has no digest yet", Request{}, func(s *Step) { s.SourceDigest = "" }},
		{"it is in no registry", Request{}, func(s *Step) { s.from = elsewhere{} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := newShop()
			step := between(t, source, newShop(), "1.0")
			step.SourceDigest = source.image("a", "1.0")
			test.change(step)

			comparing(test.request).readAhead(t.Context(), step)

			require.Nil(t, step.Manifest)
			require.Empty(t, source.requests())
		})
	}
}

func TestATagThatMovesHasNoneListed(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	source.image("new", "1")
	destination.image("old", "1")
	comparing(Request{}).compare(t.Context(), []*Step{between(t, source, destination, "1")})
	require.Equal(t, []string{"HEAD 1"}, destination.requests())
}

func TestAllStepsOfAFreshRepositoryKnowThatItIs(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	destination.listing = fault.New(fault.NotFound, errMade)
	source.image("a", "1", "2")
	steps := []*Step{between(t, source, destination, "1"), between(t, source, destination, "2")}
	comparing(Request{}).compare(t.Context(), steps)
	require.True(t, steps[0].Fresh)
	require.True(t, steps[1].Fresh)
}

func TestAnImageThatOnlyGetsATagIsReadByTheRun(t *testing.T) {
	t.Parallel()
	for there, heads := range map[bool][]string{false: {"HEAD stable", "TAGS"}, true: {"HEAD 1.0", "HEAD stable"}} {
		shop := newShop()
		sum := shop.image("a", "1.0")
		if there {
			shop.image("a", "stable")
		}
		itself, label := between(t, shop, shop, "1.0"), between(t, shop, shop, "stable")
		label.from, label.Needs = remote{kept{shop, "1.0"}}, itself
		itself.Itself, itself.within, label.within = true, true, true

		comparing(Request{}).compare(t.Context(), []*Step{itself, label})

		require.Equal(t, !there, itself.ToDo(), "what is missing a tag is read for it")
		require.Equal(t, report.Copy, itself.Action, "and never written")
		require.Equal(t, there, label.Result.Status == report.Unchanged)
		if there {
			require.Equal(t, sum, itself.Wanted)
			continue
		}
		require.Equal(t, heads, withoutGets(shop.requests()))
	}
}

func withoutGets(requests []string) []string {
	return slices.DeleteFunc(requests, func(request string) bool {
		return strings.HasPrefix(request, "GET") || request == "HEAD 1.0"
	})
}
