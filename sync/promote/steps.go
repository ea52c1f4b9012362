package promote

import (
	"cmp"
	"context"
	"slices"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// made is what an image needs at a site: its steps in the order of writing.
type made struct {
	contents []*plan.Step
	index    *plan.Step // nil: none is made
	label    *plan.Step // nil: none is given
}

// plan makes the steps of every image at every site, and compares them.
func (p *promotion) plan(ctx context.Context) {
	all := p.make(ctx)
	for _, m := range all {
		p.contents = append(p.contents, m.contents...)
		if m.index != nil {
			p.indexes = append(p.indexes, m.index)
			p.needs[m.index] = m.contents
		}
		if m.label != nil {
			p.labels = append(p.labels, m.label)
		}
	}
	compared := p.compare(ctx)
	p.planPrevious(ctx)
	p.resume()
	p.steps = append(compared.Steps, p.previous...)
	slices.SortStableFunc(p.steps, func(a, b *plan.Step) int { return cmp.Compare(a.Result.Destination, b.Result.Destination) })
}

// compare looks at the steps that were made. Those that planning adds refer to
// their images, and are contents too.
func (p *promotion) compare(ctx context.Context) *plan.Plan {
	made := slices.Concat(p.contents, p.indexes, p.labels)
	known := make(map[*plan.Step]bool, len(made))
	for _, step := range made {
		known[step] = true
	}
	compared := plan.Compare(ctx, p.Plan, made)
	for _, step := range compared.Steps {
		if !known[step] {
			p.contents = append(p.contents, step)
		}
	}
	return compared
}

// make makes all steps, those of several images at the same time: of some the
// destination's index has to be read.
func (p *promotion) make(ctx context.Context) []made {
	var all []made
	var group errgroup.Group
	group.SetLimit(max(p.Run.Jobs, 1))
	all = make([]made, len(p.images)*len(p.sites))
	for i, w := range p.images {
		for j, s := range p.sites {
			group.Go(func() error {
				all[i*len(p.sites)+j] = p.at(ctx, w, s)
				return nil
			})
		}
	}
	_ = group.Wait() // none returns an error
	return all
}

// at makes the steps of an image at a site. What cannot be had has one step, that
// of the label it does not get.
func (p *promotion) at(ctx context.Context, w *wanted, s *site) (m made) {
	if w.err != nil {
		m.contents = []*plan.Step{p.failing(w, s, p.Found.Hash, report.Copy, w.err)}
		return m
	}
	names := p.names(w, s)
	var base *plan.Step // what the label is given to
	if names.hash {
		base = p.copying(w, w.hash, s, w.hash.tag)
		m.contents = append(m.contents, base)
	}
	if names.instances {
		for _, instance := range w.instances {
			m.contents = append(m.contents, p.copying(w, instance, s, instance.tag))
		}
	}
	if names.index {
		m.index = p.index(ctx, w, s, &m)
		if p.LabelsIndex || base == nil {
			base = m.index
		}
	}
	if s.Label {
		m.label = p.labelling(w, s, base)
	}
	return m
}

// names are the kinds of tags that an image has at a site.
type names struct{ hash, instances, index bool }

func (p *promotion) names(w *wanted, s *site) names {
	assembled := p.Index == spec.AssembleIndex
	index := assembled || p.Index == spec.MergeIndex
	if s.source { // of which only the label's image is of interest
		ofIndex := assembled && (p.LabelsIndex || w.hash == nil)
		return names{hash: !ofIndex, instances: ofIndex, index: ofIndex}
	}
	return names{hash: w.hash != nil && (!index || p.indexTag() != p.Found.Hash), instances: assembled, index: index}
}

// copying brings a tag of the source to the site, under the same tag.
func (p *promotion) copying(w *wanted, t *tagged, s *site, tag string) *plan.Step {
	to, err := s.location(w.Name, tag)
	if err != nil {
		return p.failing(w, s, tag, report.Copy, err)
	}
	step := p.settle(s, plan.Copying(t.Location, to, t.Descriptor))
	if !s.source {
		step.WithReferrers()
	}
	return step
}

// index makes the step that writes the index of an image.
func (p *promotion) index(ctx context.Context, w *wanted, s *site, m *made) *plan.Step {
	action := report.Assemble
	if p.Index == spec.MergeIndex {
		action = report.Merge
	}
	to, err := s.location(w.Name, p.indexTag())
	if err != nil {
		return p.failing(w, s, p.indexTag(), action, err)
	}
	var step *plan.Step
	if action == report.Merge {
		step, err = plan.Merging(ctx, w.hash.Known, to)
	} else {
		step, err = plan.Assembling(w.known(), content.IndexType(p.Format), to)
	}
	if err != nil {
		return p.failing(w, s, p.indexTag(), action, err)
	}
	if action == report.Merge {
		m.contents = append(m.contents, p.copying(w, w.hash, s, w.hash.Digest.String()))
	}
	return p.settle(s, step)
}

// labelling gives the label to what another step brings.
func (p *promotion) labelling(w *wanted, s *site, base *plan.Step) *plan.Step {
	to, err := s.location(w.Name, p.Label)
	if err == nil && base.Result.Status == report.Failed {
		err = base.Err
	}
	if err != nil {
		return p.failing(w, s, p.Label, report.Retag, err)
	}
	step := p.settle(s, plan.Tagging(base, to))
	step.Guarded = true
	return step
}

// settle says where a step writes, whether its tag has to stay where it is, and
// that signing is for destinations.
func (p *promotion) settle(s *site, step *plan.Step) *plan.Step {
	step.Place, step.Unsigned = s.place, s.source
	tag := tagOf(step)
	step.Fixed = tag != "" && !p.MayMove(tag)
	return step
}

func (p *promotion) failing(w *wanted, s *site, tag string, action report.Action, err error) *plan.Step {
	source := p.Source.Locate(p.Source.Repository(w.Name)) + ":" + p.Found.Hash
	step := plan.Failing(source, s.Locate(s.Repository(w.Name))+":"+tag, action, err)
	step.Place = s.place
	return step
}

// planPrevious plans the rollback labels: of what the labels name that will move.
func (p *promotion) planPrevious(ctx context.Context) {
	if p.RollbackLabel == "" {
		return
	}
	for _, label := range p.labels {
		if !label.ToDo() || label.Result.PreviousDigest == "" {
			continue
		}
		from, err := label.Destination.Beside(label.Result.PreviousDigest.String())
		if err != nil {
			continue // it was found there
		}
		to, err := label.Destination.Beside(p.RollbackLabel)
		if err != nil {
			continue // the promotion file was checked for that
		}
		step := plan.Copying(from, to, v1.Descriptor{Digest: label.Result.PreviousDigest})
		step.Place, step.Guarded, step.Unsigned = label.Place, true, label.Unsigned
		step.Fixed = !p.MayMove(p.RollbackLabel)
		p.previous = append(p.previous, step)
	}
	plan.Compare(ctx, p.Plan, p.previous)
}
