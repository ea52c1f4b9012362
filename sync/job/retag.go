package job

import (
	"context"
	"fmt"

	"csync/sync/image"
	"csync/sync/log"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// Retagging is what a retag is asked for besides its options. It is at one
// registry, which the options' access of the destination is for.
type Retagging struct {
	// Arguments are a reference and its further tags; none: a line of the source
	// file has them for each image.
	Arguments []string
	// Guarded looks at each tag right before it is written, and leaves one alone
	// that somebody else has moved.
	Guarded bool
}

// Run gives images further tags in their repositories, by their manifests
// alone. Everything that was asked for is in the report; an error says that
// nothing was attempted.
func (r Retagging) Run(ctx context.Context, o Options) (*report.Report, error) {
	j, err := open(ctx, o, false)
	if err != nil {
		return nil, err
	}
	defer j.close()
	ctx = log.With(ctx, j.logger)
	var steps []*plan.Step
	err = readActions(j, r.Arguments, "SOURCE TAG [TAG...]", func(a *actions, words []spec.Word) error {
		tags, err := a.retags(words)
		steps = append(steps, tags...)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		step.Guarded = r.Guarded
	}
	p := plan.Compare(ctx, j.given(), steps)
	if o.FailFast && p.Failed() {
		p.Cancel(stopped)
	}
	j.act(ctx, p)
	return j.report(p.Results()), nil
}

// retags are the steps of an image and its further tags.
func (a *actions) retags(words []spec.Word) ([]*plan.Step, error) {
	if len(words) < 2 {
		return nil, a.incomplete(words)
	}
	name, pin := unpinned(words[0].Text)
	from, err := a.reference(words[0], name)
	if err != nil {
		return nil, err
	}
	var steps []*plan.Step
	for _, w := range words[1:] {
		to, err := beside(from.Location, w)
		if err == nil {
			err = a.take(w, to)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, a.settle(plan.Retagging(from.Location, to, pin), from.place))
	}
	return steps, nil
}

// beside is a further tag in an image's repository.
func beside(from image.Location, tag spec.Word) (image.Location, error) {
	to, err := from.Beside(tag.Text)
	if err != nil || to.Digested() != "" {
		return to, &mistake{tag, fmt.Errorf("%q is not a tag", tag.Text)}
	}
	return to, nil
}
