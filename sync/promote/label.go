package promote

import (
	"context"
	"errors"
	"fmt"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/run"
)

// moveLabels moves the labels, the destinations' first and the source's last, or
// says why it moves none. If one cannot move, all go back.
func (p *promotion) moveLabels(ctx context.Context) error {
	if why := p.unready(ctx); why != "" {
		p.hold(p.previous, why)
		p.hold(p.labels, why)
		return p.Journal.end(ended)
	}
	if err := p.Journal.intend(intents(p.previous, p.labels)); err != nil {
		return err
	}
	stages := p.stages()
	for i, stage := range stages {
		p.move(ctx, stage)
		if i == len(stages)-1 && !failed(stage) { // somebody else may have moved one meanwhile
			stage = p.labels
			(&plan.Plan{Steps: stage}).Confirm(ctx, p.Run.Jobs)
		}
		if !failed(stage) {
			continue
		}
		why := "not moved, because " + firstFailed(stage).Result.Destination + " failed"
		p.hold(p.previous, why)
		p.hold(p.labels, why)
		return p.sendBack(ctx)
	}
	return p.Journal.end(ended)
}

// stages are the labels that may move at the same time, one after another.
func (p *promotion) stages() [][]*plan.Step {
	var destinations, source []*plan.Step
	for _, step := range p.labels {
		if s := p.siteOf(step); s != nil && s.source {
			source = append(source, step)
		} else {
			destinations = append(destinations, step)
		}
	}
	return [][]*plan.Step{p.previous, destinations, source}
}

// unready is why no label may move, or "".
func (p *promotion) unready(ctx context.Context) string {
	left := (&plan.Plan{Steps: append(p.previous, p.labels...)}).Left()
	if why := p.incomplete(ctx); why != "" || left == 0 {
		return why
	}
	p.askGate(ctx)
	return p.incomplete(ctx)
}

// incomplete is what has failed that a label would stand for, or "".
func (p *promotion) incomplete(ctx context.Context) string {
	if ctx.Err() != nil {
		return "not moved, because the run was interrupted"
	}
	count, first := 0, (*plan.Step)(nil)
	for _, step := range p.steps {
		if step.Result.Status == report.Failed && !p.absent(step) {
			count++
			if first == nil {
				first = step
			}
		}
	}
	switch count {
	case 0:
		return ""
	case 1:
		return "not moved, because " + first.Result.Destination + " failed"
	}
	return fmt.Sprintf("not moved, because %s and %d others failed", first.Result.Destination, count-1)
}

// absent reports whether a step has failed only because the source lacks its
// image, where others are promoted all the same.
func (p *promotion) absent(step *plan.Step) bool {
	for _, w := range p.images {
		if w.err != nil && errors.Is(step.Err, w.err) {
			return p.AllowPartial
		}
	}
	return false
}

// move moves labels at the same time, and begins no other once one has failed.
func (p *promotion) move(ctx context.Context, steps []*plan.Step) {
	o := p.Run
	o.FailFast, o.FinishBegun = true, true
	run.Run(ctx, &plan.Plan{Steps: steps}, o)
	for _, step := range steps {
		if fault.Is(step.Err, fault.Cancelled) && ctx.Err() == nil { // it was not begun
			step.Err, step.Result.Error = nil, nil
			step.Hold("not moved, because another label could not")
		}
	}
}

func failed(steps []*plan.Step) bool { return firstFailed(steps) != nil }

func firstFailed(steps []*plan.Step) *plan.Step {
	for _, step := range steps {
		if step.Result.Status == report.Failed {
			return step
		}
	}
	return nil
}
