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
	var group errgroup.Group
	group.SetLimit(max(jobs, 1))
	for _, step := range p.Steps {
		if !step.ToDo() && step.Result.Status != report.Unchanged {
			continue
		}
		group.Go(func() error {
			if err := step.verify(ctx); err != nil {
				step.Fail(step.atDestination(err))
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
}

func (s *Step) verify(ctx context.Context) error {
	there := s.Result.PreviousDigest
	switch {
	case s.Result.Status == report.Unchanged:
		err := s.to.complete(ctx)
		if fault.Is(err, fault.NotFound) { // sync would find the tag as it should be
			return fault.WithRemedy(fault.NotFound, err, "delete the image there, and sync again")
		}
		return err
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
