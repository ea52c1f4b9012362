package plan

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/report"
)

var arm64 = []v1.Platform{{OS: "linux", Architecture: "arm64"}}

// both puts an image into the shops.
func both(shops ...*shop) (sum digest.Digest) {
	for _, shop := range shops {
		sum = shop.image("a", "1.0")
	}
	return sum
}

func TestAStepIsUnchangedWhereBothSidesNameTheSame(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	sum := both(source, destination)
	step := between(t, source, destination, "1.0")

	comparing(Request{}).step(t.Context(), step, known{})()

	require.Equal(t, report.Unchanged, step.Result.Status, step.Err)
	require.True(t, step.Result.Verified)
	require.Equal(t, sum, step.Result.Digest)
	require.Equal(t, sum, step.Result.SourceDigest)
	require.Empty(t, step.Result.PreviousDigest, "nothing moves")
	require.Equal(t, []string{"HEAD 1.0"}, source.requests())
	require.Equal(t, []string{"HEAD 1.0"}, destination.requests())
}

func TestAStepThatIsToDoKnowsWhatMoves(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	sum, before := source.image("new", "1.0"), destination.image("old", "1.0")
	step := between(t, source, destination, "1.0")

	comparing(Request{}).step(t.Context(), step, known{})()

	require.True(t, step.ToDo(), step.Err)
	require.Equal(t, sum, step.Wanted)
	require.Equal(t, sum, step.SourceDigest)
	require.Equal(t, before, step.Result.PreviousDigest)
	require.Equal(t, report.Copy, step.Action)
	require.Equal(t, Key{"docker://src.test/app:1.0", "docker://dst.test/app:1.0", sum}, step.Key())
}

func TestWithinARepositoryAnImageIsOnlyTagged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Step)
		want   report.Action
	}{
		{"as it is", func(*Step) {}, report.Retag},
		{"another repository", func(s *Step) { s.within = false }, report.Copy},
		{"a part of it", func(s *Step) { s.Selection.Platforms = arm64 }, report.Copy},
		{"converted", func(s *Step) { s.Format = v1.MediaTypeImageManifest }, report.Copy},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, k := range []known{{}, {fresh: true}} { // looked at, or left to the run
				source := newShop()
				source.index([]string{"linux/amd64", "linux/arm64"}, "1.0")
				step := between(t, source, newShop(), "1.0")
				step.within = true
				test.change(step)
				comparing(Request{}).step(t.Context(), step, k)()
				require.NoError(t, step.Err)
				require.Equal(t, test.want, step.Action)
				require.Equal(t, test.want, step.Result.Action)
			}
		})
	}
}

func TestAPinHoldsTheTagToItsDigest(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	step := between(t, source, destination, "1.0")
	step.pin = source.image("a", "1.0")
	moved := between(t, source, destination, "1.0")
	moved.pin = digest.FromString("b")
	c := comparing(Request{})

	c.step(t.Context(), step, known{fresh: true})()
	c.step(t.Context(), moved, known{fresh: true})()

	require.NoError(t, step.Err, "is looked at although the destination is fresh")
	require.Equal(t, step.pin, step.SourceDigest)
	require.True(t, fault.Is(moved.Err, fault.Conflict), moved.Err)
	require.Equal(t, fault.Source, fault.SideOf(moved.Err))
}

func TestWhatIsCertainlyToBeCopiedIsLeftToTheRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request Request
		change  func(*Step)
		looks   int
	}{
		{"a run follows", Request{}, func(*Step) {}, 0},
		{"a plan is all that is wanted", Request{ReadOnly: true}, func(*Step) {}, 1},
		{"it goes to several destinations", Request{}, func(s *Step) { s.several = true }, 1},
		{"it is pinned", Request{}, func(s *Step) { s.pin = digest.FromString("x") }, 1},
		{"what refers to it is wanted", Request{}, func(s *Step) { s.Referrers = true }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source, destination := newShop(), newShop()
			source.image("a", "1.0")
			step := between(t, source, destination, "1.0")
			test.change(step)
			comparing(test.request).step(t.Context(), step, known{tags: map[string]bool{"0.9": true}})()
			require.Len(t, source.requests(), test.looks)
			require.Empty(t, destination.requests())
		})
	}
}

func TestFailuresToCompareSayAtWhichSide(t *testing.T) {
	t.Parallel()
	denied := fault.New(fault.Denied, errors.New("no"))
	unreachable := fault.New(fault.Network, errors.New("no route"))
	for _, test := range []struct {
		name                string
		source, destination error
		side                fault.Side
		refused             bool
	}{
		{name: "the source", source: denied, side: fault.Source},
		{name: "the destination", destination: unreachable, side: fault.Destination},
		{name: "both", source: denied, destination: unreachable, side: fault.Source},
		{name: "a destination that may not be read", destination: denied, refused: true},
		{name: "a destination that wants a login", destination: fault.New(fault.Unauthorized, errors.New("who")), refused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source, destination := newShop(), newShop()
			both(source, destination)
			source.reading, destination.reading = test.source, test.destination
			step := between(t, source, destination, "1.0")
			comparing(Request{}).step(t.Context(), step, known{})()
			require.Equal(t, test.side, fault.SideOf(step.Err))
			require.Equal(t, test.side == "", step.ToDo())
			require.Equal(t, test.refused, step.refused != nil)
		})
	}
}

func TestAnImageThatIsItsOwnSourceIsOnlyConfirmed(t *testing.T) {
	t.Parallel()
	shop := newShop()
	sum := shop.image("a", "1.0")
	step, missing := between(t, shop, shop, "1.0"), between(t, shop, shop, "2.0")
	step.Itself, missing.Itself = true, true
	c := comparing(Request{})

	c.step(t.Context(), step, known{})()
	c.step(t.Context(), missing, known{})()

	require.Equal(t, report.Unchanged, step.Result.Status)
	require.Equal(t, sum, step.Wanted)
	require.Equal(t, sum, step.Result.SourceDigest)
	require.Equal(t, []string{"HEAD 1.0", "HEAD 2.0"}, shop.requests())
	require.True(t, fault.Is(missing.Err, fault.NotFound))
	require.Equal(t, fault.Source, fault.SideOf(missing.Err))
}

func TestSeveralDestinationsHaveTheSourceAskedOnce(t *testing.T) {
	t.Parallel()
	source, one, two := newShop(), newShop(), newShop()
	source.index([]string{"linux/amd64", "linux/arm64"}, "1.0")
	steps := []*Step{between(t, source, one, "1.0"), between(t, source, two, "1.0"), between(t, source, newShop(), "1.0")}
	for _, step := range steps {
		step.several = true
	}
	steps[2].Selection.Platforms = arm64

	comparing(Request{}).compare(t.Context(), steps)

	require.Equal(t, []string{"GET 1.0", "HEAD 1.0"}, source.requests())
	require.Equal(t, steps[0].Wanted, steps[1].Wanted)
	require.NotEqual(t, steps[0].Wanted, steps[2].Wanted)
}

func TestADigestThatWasListedWithTheTagIsNotAskedFor(t *testing.T) {
	t.Parallel()
	source, destination := newShop(), newShop()
	step := between(t, source, destination, "1.0")
	step.listed = v1.Descriptor{Digest: both(source, destination)}

	comparing(Request{}).step(t.Context(), step, known{})()

	require.Equal(t, report.Unchanged, step.Result.Status)
	require.Empty(t, source.requests())
}

func TestAFormatOfItsOwnHasNoDigestToCompare(t *testing.T) {
	t.Parallel()
	client := offline(t)
	archive, err := place(t, client, "docker-archive:"+filepath.Join(t.TempDir(), "a.tar")).Location(image.Name{Path: "app", Tag: "1.0"})
	require.NoError(t, err)
	directory, err := place(t, client, "dir:"+t.TempDir()).Location(image.Name{Path: "app", Tag: "1.0"})
	require.NoError(t, err)
	all, system := content.Selection{}, content.Selection{System: &types.SystemContext{}}

	require.True(t, remote{}.keepsDigest(all))
	require.True(t, remote{}.keepsDigest(system))
	require.True(t, elsewhere{directory}.keepsDigest(all))
	require.False(t, elsewhere{directory}.keepsDigest(system), "which instance, only copying tells")
	require.False(t, elsewhere{archive}.keepsDigest(all))

	source := newShop()
	source.image("a", "1.0")
	for destination, compared := range map[string]bool{archive.String(): false, directory.String(): true} {
		step := between(t, source, newShop(), "1.0")
		step.to, step.Destination = elsewhere{archive}, archive
		if compared {
			step.to, step.Destination = elsewhere{directory}, directory
		}
		comparing(Request{}).step(t.Context(), step, known{})()
		require.NoError(t, step.Err)
		require.Equal(t, compared, step.Wanted != "", destination)
		require.NotEmpty(t, step.SourceDigest)
	}
}

func TestADirectoryThatIsThereIsRefusedWhereNoneMayBeReplaced(t *testing.T) {
	t.Parallel()
	source, top := newShop(), t.TempDir()
	source.image("a", "1.0")
	require.NoError(t, os.Mkdir(filepath.Join(top, "app:1.0"), 0o700))
	for _, keep := range []bool{false, true} {
		to, err := place(t, offline(t), "dir:"+top).Location(image.Name{Path: "app", Tag: "1.0"})
		require.NoError(t, err)
		step := between(t, source, newShop(), "1.0")
		step.to, step.Destination = elsewhere{to}, to
		comparing(Request{KeepDirectories: keep}).step(t.Context(), step, known{})()
		require.Equal(t, keep, fault.Is(step.Err, fault.Conflict), step.Err)
		require.Equal(t, !keep, step.ToDo())
	}
}

func TestNothingThereIsNotInPlaceWhateverIsWanted(t *testing.T) {
	t.Parallel()
	source := newShop()
	source.image("a", "1.0")
	step := between(t, source, newShop(), "1.0")
	step.Format = v1.MediaTypeImageManifest // so that no digest is wanted
	comparing(Request{}).step(t.Context(), step, known{})()
	require.True(t, step.ToDo())
	require.Empty(t, step.Wanted)
}

func TestAnInterruptedComparisonLeavesItsStepToDo(t *testing.T) {
	t.Parallel()
	for _, itself := range []bool{false, true} {
		source, destination := newShop(), newShop()
		source.reading, destination.reading = context.Canceled, context.Canceled
		step := between(t, source, destination, "1.0")
		step.Itself = itself
		comparing(Request{}).step(cancelled(t), step, known{})()
		require.True(t, step.ToDo())
		require.NoError(t, step.Err)
	}
}

func TestAFailureIsNotAskedForAgainAndNotRemembered(t *testing.T) {
	t.Parallel()
	source, cache := newShop(), newCache(t)
	source.index([]string{"linux/arm64"}, "1.0")
	look := func() found {
		step := between(t, source, newShop(), "1.0")
		step.Selection.Platforms = arm64
		return lookAt(t.Context(), step, cache)
	}
	source.reading = errMade
	require.ErrorIs(t, look().err, errMade)
	require.Equal(t, []string{"GET 1.0"}, source.requests())
	source.reading = nil
	require.NoError(t, look().err)
	require.Equal(t, []string{"GET 1.0", "GET 1.0"}, source.requests(), "nothing was remembered")
	source.reading = errMade
	require.ErrorIs(t, look().err, errMade)
	require.Equal(t, []string{"GET 1.0", "GET 1.0", "HEAD 1.0"}, source.requests())
}

func TestAPlanKeepsNoManifestsAndRemembersNoConversionItDidNotMake(t *testing.T) {
	t.Parallel()
	source, cache := newShop(), newCache(t)
	source.index([]string{"linux/amd64", "linux/arm64"}, "1.0")
	step := between(t, source, newShop(), "1.0")
	step.Selection.Platforms, step.Format = arm64, v1.MediaTypeImageManifest

	found := lookAt(t.Context(), step, cache)

	require.NoError(t, found.err)
	require.NotEmpty(t, found.choice.Digest)
	require.Nil(t, found.choice.Bytes)
	_, known := cache.find(step)
	require.False(t, known)
}

func TestWhatIsPushedByDigestMustHaveIt(t *testing.T) {
	t.Parallel()
	source := newShop()
	sum := source.index([]string{"linux/amd64", "linux/arm64"})
	for _, test := range []struct {
		name   string
		change func(*Step)
		remedy string
	}{
		{"all of it", func(*Step) {}, ""},
		{"a part of it", func(s *Step) { s.Selection.Platforms = arm64 }, "give it a tag"},
		{"an instance of it", func(s *Step) {
			s.Selection.System = &types.SystemContext{OSChoice: "linux", ArchitectureChoice: "arm64"}
		}, "--all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			step := between(t, source, newShop(), sum.String())
			test.change(step)
			comparing(Request{}).step(t.Context(), step, known{fresh: true})()
			require.Equal(t, test.remedy != "", fault.Is(step.Err, fault.Input), step.Err)
			if test.remedy != "" {
				require.ErrorContains(t, step.Err, test.remedy)
			}
		})
	}
}

// closed is an end that nobody gets to see.
type closed struct{ end }

func (closed) look(context.Context) (v1.Descriptor, error) {
	return v1.Descriptor{}, fault.New(fault.Denied, errMade)
}

func TestOnlyARegistryMayRefuseToBeReadAndStillBeWritten(t *testing.T) {
	t.Parallel()
	source := newShop()
	source.image("a", "1.0")
	step := between(t, source, newShop(), "1.0")
	step.to = closed{step.to}
	comparing(Request{}).step(t.Context(), step, known{})()
	require.True(t, fault.Is(step.Err, fault.Denied), step.Err)
	require.Equal(t, fault.Destination, fault.SideOf(step.Err))
}

func TestWhatComesFromNoRegistryIsLookedAtInAnyCase(t *testing.T) {
	t.Parallel()
	step := between(t, newShop(), newShop(), "1.0")
	step.from = closed{step.from}
	comparing(Request{}).step(t.Context(), step, known{fresh: true})()
	require.True(t, fault.Is(step.Err, fault.Denied), step.Err)
	require.Equal(t, fault.Source, fault.SideOf(step.Err))
}
