package job

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/log"
	"csync/sync/plan"
	"csync/sync/report"
)

// index is one that is to be written, and what that takes.
type index struct {
	step  *plan.Step
	keep  *plan.Step   // a further tag of it; nil: it gets none
	holds []plan.Known // what its repository has to have first
	to    written

	contents []*plan.Step // what brings that
}

// writeIndexes opens a job, makes the indexes that it is asked for at the same
// time, and writes them.
func writeIndexes(ctx context.Context, o Options, ask func(context.Context, *job) ([]func() *index, error)) (*report.Report, error) {
	j, err := open(ctx, o, false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	ctx = log.With(ctx, j.logger)
	wanted, err := ask(ctx, j)
	if err != nil {
		return nil, err
	}
	indexes := make([]*index, len(wanted))
	var group errgroup.Group
	group.SetLimit(max(j.Jobs, 1))
	for i, read := range wanted {
		group.Go(func() error {
			indexes[i] = read()
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	return j.write(ctx, indexes), nil
}

// write compares indexes with what there is, brings what those that are to be
// written consist of, and writes them.
func (j *job) write(ctx context.Context, indexes []*index) *report.Report {
	var steps []*plan.Step
	for _, x := range indexes {
		steps = append(steps, x.step)
		if x.keep != nil {
			steps = append(steps, x.keep)
		}
	}
	p := plan.Compare(ctx, j.given(), steps)
	contents := plan.Compare(ctx, j.given(), j.contents(indexes))
	if j.FailFast && (p.Failed() || contents.Failed()) {
		contents.Cancel(stopped)
		p.Cancel(stopped)
	}
	j.act(ctx, contents)
	failUnmet(indexes)
	if j.FailFast && contents.Failed() {
		p.Cancel(stopped)
	}
	j.act(ctx, p)
	return j.report(append(contents.Results(), p.Results()...))
}

// contents are the steps that bring what the indexes need, by its digest; of what
// several need in one repository there is one.
func (j *job) contents(indexes []*index) []*plan.Step {
	known := map[string]*plan.Step{}
	var steps []*plan.Step
	for _, x := range indexes {
		if !x.step.ToDo() {
			continue
		}
		for _, k := range x.holds {
			to, err := x.to.Beside(k.Digest.String())
			if err != nil { // which no digest is the reason of
				x.step.Fail(fault.At(fault.Destination, x.step.Result.Destination, err))
				continue
			}
			step := known[to.String()]
			if step == nil {
				step = j.settle(plan.Copying(k.Location, to, k.Descriptor), x.to.place)
				known[to.String()] = step
				steps = append(steps, step)
			}
			x.contents = append(x.contents, step)
		}
	}
	return steps
}

// failUnmet ends the steps whose needs have failed.
func failUnmet(indexes []*index) {
	for _, x := range indexes {
		for _, needed := range x.contents {
			failWith(x.step, needed, "not written")
		}
		failWith(x.keep, x.step, "not tagged")
	}
}

func failWith(step, needed *plan.Step, what string) {
	if step == nil || !step.ToDo() || needed.Result.Status != report.Failed {
		return
	}
	step.Fail(fault.At(fault.Destination, step.Result.Destination,
		fault.New(needed.Result.Error.Kind, fmt.Errorf("%s, because %s failed", what, needed.Result.Destination))))
}

// failing is an index that cannot be made because of err.
func failing(source image.Location, to written, action report.Action, err error) *index {
	return &index{step: plan.Failing(source.String(), to.String(), action, fault.At(fault.Source, source.String(), err)), to: to}
}

// making is an index that a step writes, whose repository has to have images.
func (j *job) making(step *plan.Step, to written, images ...plan.Known) *index {
	return &index{step: j.settle(step, to.place), to: to, holds: missing(images, to.Location)}
}

// missing are the images that are in other repositories.
func missing(images []plan.Known, to image.Location) []plan.Known {
	there, _ := to.Remote()
	var elsewhere []plan.Known
	for _, k := range images {
		if from, _ := k.Remote(); !from.Same(there.Repository) {
			elsewhere = append(elsewhere, k)
		}
	}
	return elsewhere
}
