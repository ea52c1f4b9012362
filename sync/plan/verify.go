package plan

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/report"
)

// Verify turns a plan into the answer whether everything is in place: what would
// have to be done is a failure at the destination, and of an index that is there
// every instance is asked for. It reads only; jobs bounds the questions under
// way.
func (p *Plan) Verify(ctx context.Context, jobs int) {
	p.verify(ctx, jobs, end.complete)
}

func (p *Plan) verify(ctx context.Context, jobs int, complete func(end, context.Context) error) {
	p.each(jobs, func(step *Step) bool { return step.ToDo() || step.Result.Status == report.Unchanged }, func(step *Step) {
		if err := step.verify(ctx, complete); err != nil {
			step.Fail(step.atDestination(err))
		}
	})
}

// each does something for the steps that are meant, for some at the same time.
func (p *Plan) each(jobs int, meant func(*Step) bool, do func(*Step)) {
	var group errgroup.Group
	group.SetLimit(max(jobs, 1))
	for _, step := range p.Steps {
		if meant(step) {
			group.Go(func() error {
				do(step)
				return nil
			})
		}
	}
	_ = group.Wait() // none returns an error
}

func (s *Step) verify(ctx context.Context, complete func(end, context.Context) error) error {
	there := s.Result.PreviousDigest
	switch {
	case s.Result.Status == report.Unchanged:
		return incomplete(complete(s.to, ctx))
	case ctx.Err() != nil:
		return fault.New(fault.Cancelled, errors.New("interrupted before it was verified"))
	case s.refused != nil:
		return s.refused
	case s.InPlace:
		return fault.New(fault.NotFound, errors.New("signatures that the source has are missing"))
	case there == "":
		return fault.New(fault.NotFound, errors.New("the image is not there"))
	case s.Wanted == "":
		// A format of its own: that it is there is all that can be said.
		s.Result.Status, s.Result.Digest, s.Result.PreviousDigest = report.Unchanged, there, ""
		s.Result.Reason = "present; its digest says nothing of the source's"
		return nil
	}
	return names(there, s.Wanted)
}

// incomplete says what to do about an image of which a part is missing: sync
// would find the reference as it should be.
func incomplete(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.WithRemedy(fault.NotFound, err, "delete the image there, and sync again")
	}
	return err
}
