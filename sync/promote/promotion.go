package promote

import (
	"context"
	"fmt"
	"slices"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/origin"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/run"
	"csync/sync/spec"
)

// Request is what a promotion is made of.
type Request struct {
	*spec.Promotion
	// Found is which images of which hash are promoted.
	Found origin.Found
	// Access is how a side's registry is reached.
	Access func(side spec.Registry) image.Access
	// Create makes a repository, named by its path below the host, at a side that
	// wants that; one that is there already is no failure.
	Create func(ctx context.Context, side spec.Registry, repository string) error
	// Plan is how steps are compared; of it, nothing is used that says what is
	// wanted. If it is read-only, nothing is written anywhere.
	Plan plan.Request
	Run  run.Options
	// Journal gets what tags named before they moved; nil if nothing is written.
	Journal *Journal
	// AllowPartial promotes the other images where the source lacks some.
	AllowPartial bool
	// Verify asks whether everything is in place, and writes nothing.
	Verify bool
	// Deep has Verify ask for every blob.
	Deep bool
}

// promotion is a request on its way.
type promotion struct {
	Request
	sites  []*site
	images []*wanted

	contents, indexes, labels []*plan.Step
	previous                  []*plan.Step                // the rollback labels
	needs                     map[*plan.Step][]*plan.Step // of an index: the contents it lists
	steps                     []*plan.Step                // all of them, once planned
	resumed                   bool                        // labels may have moved already
}

// Run carries a promotion out, and returns all its steps with what became of
// them. The error says why nothing was attempted.
func Run(ctx context.Context, r Request) (*plan.Plan, error) {
	p := &promotion{Request: r, needs: map[*plan.Step][]*plan.Step{}}
	if err := p.open(); err != nil {
		return nil, err
	}
	p.lookAtSource(ctx)
	p.plan(ctx)
	if err := p.carryOut(ctx); err != nil {
		return nil, err
	}
	return &plan.Plan{Steps: p.steps}, nil
}

// carryOut does what is planned, in the order that keeps labels true.
func (p *promotion) carryOut(ctx context.Context) error {
	all := &plan.Plan{Steps: p.steps}
	switch {
	case p.Verify && p.Deep:
		all.VerifyDeep(ctx, p.Run.Jobs)
		return nil
	case p.Verify:
		all.Verify(ctx, p.Run.Jobs)
		return nil
	}
	switch why := p.obstacle(); {
	case why != "":
		p.hold(p.steps, "not begun: "+why)
		return nil
	case p.Plan.ReadOnly:
		all.DryRun()
		return nil
	case all.Left() == 0 && p.Journal.unfinished() == nil:
		return nil
	}
	if err := p.begin(); err != nil {
		return err
	}
	p.bring(ctx)
	p.check(ctx)
	if err := p.moveLabels(ctx); err != nil {
		p.hold(p.steps, "not moved, because the journal cannot be written")
		p.steps = append(p.steps, unwritten(p.Journal, err))
	}
	return nil
}

// unwritten is the result of a journal that could be written no more when much was
// done already.
func unwritten(j *Journal, err error) *plan.Step {
	return plan.Failing("", j.path, report.Retag, err)
}

// obstacle is why nothing may be written at all, or "".
func (p *promotion) obstacle() string {
	missing := 0
	for _, w := range p.images {
		if w.err != nil {
			missing++
		}
	}
	switch {
	case missing > 0 && !p.AllowPartial:
		return fmt.Sprintf("%d of %d images cannot be had from the source", missing, len(p.images))
	case missing == len(p.images):
		return "no image can be had from the source"
	}
	for _, step := range slices.Concat(p.labels, p.previous) {
		// Of a destination that cannot be reached, the others get their contents.
		if fault.Is(step.Err, fault.Policy) || fault.Is(step.Err, fault.Conflict) {
			return step.Result.Destination + " may not be moved"
		}
	}
	return ""
}

// hold ends the steps that are still to do.
func (p *promotion) hold(steps []*plan.Step, why string) {
	for _, step := range steps {
		if step.ToDo() {
			step.Hold(why)
		}
	}
}

// bring writes contents, then the indexes of those that are there.
func (p *promotion) bring(ctx context.Context) {
	p.create(ctx)
	run.Run(ctx, &plan.Plan{Steps: p.contents}, p.Run)
	for _, step := range p.indexes {
		for _, needed := range p.needs[step] {
			if needed.Result.Status == report.Failed && step.ToDo() {
				step.Hold("not written, because " + needed.Result.Destination + " failed")
			}
		}
	}
	run.Run(ctx, &plan.Plan{Steps: p.indexes}, p.Run)
}

// create makes the repositories of which nothing is there.
func (p *promotion) create(ctx context.Context) {
	type repository struct {
		site *site
		path string
	}
	there, asked := map[repository]bool{}, map[repository]error{}
	each := func(visit func(repository, *plan.Step)) {
		for _, step := range slices.Concat(p.contents, p.indexes) {
			if s := p.siteOf(step); s != nil && s.Create != "" {
				visit(repository{s, repositoryOf(step)}, step)
			}
		}
	}
	each(func(r repository, step *plan.Step) {
		there[r] = there[r] || step.Result.PreviousDigest != "" || step.Result.Status == report.Unchanged
	})
	each(func(r repository, step *plan.Step) {
		if there[r] || !step.ToDo() {
			return
		}
		err, known := asked[r]
		if !known {
			err = p.Create(ctx, r.site.Registry, r.path)
			asked[r] = err
		}
		if err != nil {
			step.Fail(fault.At(fault.Destination, step.Result.Destination, fmt.Errorf("creating repository %s: %w", r.path, err)))
		}
	})
}

// check asks every destination whether it has everything, to the last layer,
// before any label moves.
func (p *promotion) check(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	(&plan.Plan{Steps: slices.Concat(p.contents, p.indexes)}).Audit(ctx, p.Run.Jobs)
}
