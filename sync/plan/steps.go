package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/log"
	"csync/sync/report"
)

// Plan is the steps of a run, ordered by destination.
type Plan struct {
	Steps []*Step
	// Holdings are what the destinations are to hold of the source file.
	Holdings []Holding
}

// Results are those of all steps.
func (p *Plan) Results() []report.Result {
	results := make([]report.Result, len(p.Steps))
	for i, step := range p.Steps {
		results[i] = step.Result
	}
	return results
}

// Failed reports whether a step has failed.
func (p *Plan) Failed() bool {
	return slices.ContainsFunc(p.Steps, func(step *Step) bool { return step.Result.Status == report.Failed })
}

// Left is the number of steps that are still to do.
func (p *Plan) Left() int {
	left := 0
	for _, step := range p.Steps {
		if step.ToDo() {
			left++
		}
	}
	return left
}

// Complete gives what a run has written at the place its name, where the place
// does that as a whole. Images that are lost with it have failed.
func (p *Plan) Complete(ctx context.Context, place image.Place) {
	var done []*Step
	failed := 0
	for _, step := range p.Steps {
		switch {
		case step.Place != place && step.Place != nil: // nil: of every place
		case step.Result.Status == report.Failed:
			failed++
		case step.Result.Status == report.Done && step.Place == place:
			done = append(done, step)
		}
	}
	if len(done) == 0 {
		if err := place.Discard(); err != nil {
			log.From(ctx).Warnf("discarding what was begun of %s: %v", place, err)
		}
		return
	}
	if err := place.Complete(ctx, failed); err != nil {
		for _, step := range done {
			step.Fail(step.atDestination(fmt.Errorf("completing %s: %w", place, err)))
		}
	}
}

// DryRun marks what would be done as planned.
func (p *Plan) DryRun() {
	for _, step := range p.Steps {
		if step.ToDo() {
			step.Result.Status = report.Planned
		}
	}
}

// Cancel ends what is still to do, and says why.
func (p *Plan) Cancel(why string) {
	for _, step := range p.Steps {
		if step.ToDo() {
			step.Fail(step.atDestination(fault.New(fault.Cancelled, errors.New(why))))
		}
	}
}
