package plan

import (
	"context"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/report"
)

// pile is a place that is completed as a whole.
type pile struct {
	failure   error
	completed int // with so many failures; -1: not
	discarded bool
}

func (p *pile) Location(image.Name) (image.Location, error)   { return image.Location{}, nil }
func (p *pile) Connect(context.Context, *registry.Repository) {}
func (p *pile) String() string                                { return "pile" }
func (p *pile) Discard() error                                { p.discarded = true; return nil }
func (p *pile) Complete(_ context.Context, failed int) error  { p.completed = failed; return p.failure }

func stepAt(t *testing.T, place image.Place, s report.Status) *Step {
	step := between(t, newShop(), newShop(), "1.0").at(place)
	if s == report.Failed {
		step.Fail(errMade)
	}
	step.Result.Status = s
	return step
}

func TestAPlaceIsCompletedWithWhatWasDone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		here      []report.Status
		nowhere   report.Status
		failure   error
		completed int
		discarded bool
		lost      bool
	}{
		{name: "done", here: []report.Status{report.Done, report.Unchanged}, completed: 0},
		{name: "some failed", here: []report.Status{report.Done, report.Failed, report.Failed}, completed: 2},
		{name: "something failed before it had a place", here: []report.Status{report.Done}, nowhere: report.Failed, completed: 1},
		{name: "only what has no place was done", here: []report.Status{report.Unchanged}, nowhere: report.Done, completed: -1, discarded: true},
		{name: "nothing was done", here: []report.Status{report.Unchanged, report.Failed}, completed: -1, discarded: true},
		{name: "it cannot be completed", here: []report.Status{report.Done}, failure: errMade, completed: 0, lost: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			here := &pile{completed: -1, failure: test.failure}
			p := &Plan{Steps: []*Step{stepAt(t, &pile{}, report.Done), stepAt(t, &pile{}, report.Failed)}}
			for _, status := range test.here {
				p.Steps = append(p.Steps, stepAt(t, here, status))
			}
			if test.nowhere != "" {
				p.Steps = append(p.Steps, stepAt(t, nil, test.nowhere))
			}

			p.Complete(t.Context(), here)

			require.Equal(t, test.completed, here.completed)
			require.Equal(t, test.discarded, here.discarded)
			require.Equal(t, test.lost, p.Steps[2].Result.Status == report.Failed)
			require.Equal(t, report.Done, p.Steps[0].Result.Status, "another place's")
		})
	}
}

func TestAPlanCountsDoesAndCancelsWhatIsLeft(t *testing.T) {
	t.Parallel()
	steps := func() *Plan {
		return &Plan{Steps: []*Step{stepAt(t, nil, ""), stepAt(t, nil, report.Unchanged), stepAt(t, nil, "")}}
	}
	p := steps()
	require.Equal(t, 2, p.Left())
	require.False(t, p.Failed())
	p.DryRun()
	require.Zero(t, p.Left())
	require.Equal(t, []report.Status{report.Planned, report.Unchanged, report.Planned}, statuses(p))

	p = steps()
	p.Cancel("not now")
	require.True(t, p.Failed())
	require.Equal(t, []report.Status{report.Failed, report.Unchanged, report.Failed}, statuses(p))
	require.True(t, fault.Is(p.Steps[0].Err, fault.Cancelled))
	require.ErrorContains(t, p.Steps[0].Err, "not now")
}

func statuses(p *Plan) []report.Status {
	var all []report.Status
	for _, result := range p.Results() {
		all = append(all, result.Status)
	}
	return all
}

func TestWhatIsNotWantedIsSkippedAndTheRestHasFailed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want report.Status
	}{
		{&content.NotWantedError{Platform: "linux/s390x"}, report.Skipped},
		{ErrNothingSelected, report.Skipped},
		{errNoReferrers, report.Skipped},
		{fault.New(fault.NotFound, errMade), report.Failed},
	} {
		step := stepAt(t, nil, "")
		step.Result.Verified = true
		step.Fail(step.atSource(test.err))
		require.Equal(t, test.want, step.Result.Status)
		require.ErrorIs(t, step.Err, test.err)
		if test.want == report.Skipped {
			require.Contains(t, step.Result.Reason, test.err.Error())
			require.Nil(t, step.Result.Error)
			continue
		}
		require.False(t, step.Result.Verified)
		require.Equal(t, fault.NotFound, step.Result.Error.Kind)
	}
}

func TestOnlyAnImageThatIsTakenWholeCanHaveBeenConverted(t *testing.T) {
	t.Parallel()
	a, b := digest.FromString("a"), digest.FromString("b")
	for _, test := range []struct {
		name    string
		written digest.Digest
		change  func(*Step)
		want    string
	}{
		{"as it was", a, func(*Step) {}, ""},
		{"another", b, func(*Step) {}, "converted to x"},
		{"a part", b, func(s *Step) { s.Selection.Platforms = arm64 }, ""},
	} {
		step := stepAt(t, nil, "")
		step.Result.SourceDigest = a
		test.change(step)
		step.Reach(v1.Descriptor{Digest: test.written, MediaType: "x"})
		require.Equal(t, test.want, step.Result.Reason, test.name)
		require.Equal(t, test.written, step.Result.Digest)
	}
}
