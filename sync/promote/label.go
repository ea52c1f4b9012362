package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/run"
)

// moveLabels moves the labels, the destinations' first and the source's last, or
// says why it moves none. If one cannot move, all go back, as do those that moved
// before a promotion was gone on with. The error is the journal's.
func (p *promotion) moveLabels(ctx context.Context) error {
	if why := p.unready(ctx); why != "" {
		p.hold(p.previous, why)
		p.hold(p.labels, why)
		if p.resumed {
			return p.sendBack(ctx)
		}
		return p.Journal.end(ended)
	}
	if err := p.Journal.intend(intents(p.previous, p.labels)); err != nil {
		return err
	}
	for _, stage := range p.stages() {
		if why := p.move(ctx, stage); why != "" {
			p.hold(p.previous, why)
			p.hold(p.labels, why)
			return p.sendBack(ctx)
		}
	}
	moved := slices.Concat(p.previous, p.labels)
	if p.lookBack(ctx, moved); firstFailed(moved) != nil {
		return p.sendBack(ctx)
	}
	return p.Journal.end(ended)
}

// lookBack looks at all labels once more: somebody else may have moved one
// meanwhile, or a registry only have said to have written it.
func (p *promotion) lookBack(ctx context.Context, labels []*plan.Step) {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	(&plan.Plan{Steps: labels}).Confirm(ctx, p.Run.Jobs)
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
	return fmt.Sprintf("not moved, because %d steps failed, first %s", count, first.Result.Destination)
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

// move moves labels at the same time, and begins no other once one has failed or
// the run is interrupted: why says so. One that is under way comes to its end: a
// write that was given up may still arrive, after the label was sent back.
func (p *promotion) move(ctx context.Context, steps []*plan.Step) (why string) {
	under, cancel := uninterrupted(ctx)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(max(p.Run.Jobs, 1))
	var stopped atomic.Bool
	for _, step := range steps {
		if !step.ToDo() {
			continue
		}
		group.Go(func() error {
			switch {
			case ctx.Err() != nil:
				stopped.Store(true)
			case !stopped.Load():
				run.Run(under, &plan.Plan{Steps: []*plan.Step{step}}, p.Run)
				if step.Result.Status == report.Failed {
					stopped.Store(true)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	if first := firstFailed(steps); first != nil {
		return "not moved, because " + first.Result.Destination + " failed"
	}
	if stopped.Load() {
		return "not moved, because the run was interrupted"
	}
	return ""
}

func firstFailed(steps []*plan.Step) *plan.Step {
	for _, step := range steps {
		if step.Result.Status == report.Failed {
			return step
		}
	}
	return nil
}
