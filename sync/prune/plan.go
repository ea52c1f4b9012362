package prune

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/report"
)

// plan is what is deleted of one shelf.
type plan struct {
	cut       Cut
	jobs      int
	reading   *reading
	tags      int // that there are
	decision  Decision
	steps     []*step
	followers map[digest.Digest][]digest.Digest
	atRisk    []digest.Digest // what stays of what goes otherwise, and has no tag
	other     []report.Result // of what no step is for
}

// step is a tag or a manifest that is deleted.
type step struct {
	tag    string // "": the manifest, which no tag names
	digest digest.Digest
	lost   bool // the manifest goes too
	wave   int
	result report.Result
}

// newPlan reads what is there and decides. What goes wrong is a result.
func newPlan(ctx context.Context, cut Cut, jobs int) *plan {
	p := &plan{cut: cut, jobs: jobs}
	err := cut.Err
	if err == nil {
		err = p.decide(ctx)
	}
	if err == nil {
		return p
	}
	p.decision, p.steps = Decision{}, nil
	p.other = []report.Result{{Action: report.Delete, Destination: cut.Name}}
	if cut.Idle {
		p.other[0].Status, p.other[0].Reason = report.Skipped, err.Error()
		return p
	}
	p.other[0].Status, p.other[0].Error = report.Failed, report.Failure(fault.At(fault.Destination, cut.Name, err))
	return p
}

func (p *plan) decide(ctx context.Context) error {
	var err error
	if p.reading, err = read(ctx, p.cut.Shelf, p.cut.Choice, p.jobs); err != nil {
		return err
	}
	p.tags = len(p.reading.listed)
	if p.decision, err = p.reading.decide(ctx); err != nil {
		return err
	}
	p.followers = p.reading.contents.followers()
	p.addTags()
	if err := p.addManifests(ctx); err != nil {
		return err
	}
	if err := p.findAtRisk(ctx); err != nil {
		return err
	}
	p.addOthers()
	slices.SortStableFunc(p.steps, func(a, b *step) int { return cmp.Compare(a.wave, b.wave) })
	return nil
}

// waves is the wave of each manifest that is lost.
func (d Decision) waves() map[digest.Digest]int {
	wave := map[digest.Digest]int{}
	for number, sums := range d.Manifests {
		for _, sum := range sums {
			wave[sum] = number
		}
	}
	return wave
}

// addTags makes the steps of tags.
func (p *plan) addTags() {
	waves := p.decision.waves()
	for _, tag := range p.decision.Tags {
		sum := p.reading.contents.Tags[tag]
		wave, lost := waves[sum]
		p.add(&step{tag: tag, digest: sum, lost: lost, wave: wave})
	}
}

// addManifests makes the steps of the manifests that have no tag, and are there.
func (p *plan) addManifests(ctx context.Context) error {
	if p.cut.Collects() {
		return nil
	}
	tagged := p.tagged()
	waves := p.decision.waves()
	var bare []digest.Digest
	for _, sum := range slices.Concat(p.decision.Manifests...) {
		if !tagged[sum] {
			bare = append(bare, sum)
		}
	}
	there, err := p.there(ctx, bare)
	for _, sum := range there {
		p.add(&step{digest: sum, lost: true, wave: waves[sum]})
	}
	return err
}

func (p *plan) add(s *step) {
	s.result = report.Result{Action: report.Delete, Destination: p.cut.Reference(s.identifier()), PreviousDigest: s.digest}
	p.steps = append(p.steps, s)
}

func (s *step) identifier() string { return cmp.Or(s.tag, s.digest.String()) }

// tagged are the digests that tags name, staying or not.
func (p *plan) tagged() map[digest.Digest]bool {
	tagged := map[digest.Digest]bool{}
	for _, sum := range p.reading.contents.Tags {
		tagged[sum] = true
	}
	return tagged
}

// there are those of the digests that the shelf has, in their order.
func (p *plan) there(ctx context.Context, sums []digest.Digest) ([]digest.Digest, error) {
	has := make([]bool, len(sums))
	err := p.each(ctx, len(sums), func(ctx context.Context, i int) error {
		_, err := p.cut.Resolve(ctx, sums[i].String())
		has[i] = err == nil
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	var there []digest.Digest
	for i, sum := range sums {
		if has[i] {
			there = append(there, sum)
		}
	}
	return there, err
}

// findAtRisk finds what a careless registry could delete with what goes: what that
// lists as well as something that stays.
func (p *plan) findAtRisk(ctx context.Context) error {
	lost, tagged := p.decision.waves(), p.tagged()
	shared := map[digest.Digest]bool{}
	for sum := range lost {
		for _, listed := range p.reading.contents.Manifests[sum].Lists {
			if _, goes := lost[listed]; !goes && !tagged[listed] {
				shared[listed] = true
			}
		}
	}
	var err error
	p.atRisk, err = p.there(ctx, slices.Sorted(maps.Keys(shared)))
	return err
}

// addOthers makes the results of what is spared, and of what is named and is not
// there.
func (p *plan) addOthers() {
	known := map[string]bool{}
	for _, s := range p.steps {
		known[s.identifier()] = true
	}
	for _, spared := range p.decision.Spared {
		identifier := cmp.Or(spared.Tag, spared.Digest.String())
		known[identifier] = true
		result := report.Result{
			Action: report.Delete, Status: report.Skipped, Destination: p.cut.Reference(identifier),
			Digest: spared.Digest, Reason: "not deleted: " + spared.Why,
		}
		if slices.Contains(p.cut.Named, identifier) { // whoever names it wants it to be gone
			result.Status, result.Reason = report.Failed, ""
			result.Error = report.Failure(fault.At(fault.Destination, result.Destination,
				fault.WithRemedy(fault.Policy, errors.New("not deleted: "+spared.Why), "delete that too, or for a tag give --remove-last")))
		}
		p.other = append(p.other, result)
	}
	for _, identifier := range p.cut.Named {
		if !known[identifier] {
			known[identifier] = true
			p.other = append(p.other, report.Result{
				Action: report.Delete, Status: report.Unchanged, Destination: p.cut.Reference(identifier), Reason: "it is not there",
			})
		}
	}
}

// refuse fails what is still to do. What would only have gone with that is skipped.
func (p *plan) refuse(err error) {
	for _, s := range p.steps {
		switch {
		case s.result.Status != "":
		case s.tag != "" || slices.Contains(p.cut.Named, s.identifier()):
			s.fail(err)
		default:
			s.result.Status, s.result.Reason = report.Skipped, "not deleted, as what needs it is not"
		}
	}
}

func (s *step) fail(err error) {
	s.result.Status, s.result.Verified = report.Failed, false
	s.result.Error = report.Failure(fault.At(fault.Destination, s.result.Destination, err))
}

// plan says what would be done.
func (p *plan) plan() {
	for _, s := range p.steps {
		if s.result.Status == "" {
			s.result.Status = report.Planned
		}
	}
}

func (p *plan) results() []report.Result {
	all := slices.Clone(p.other)
	for _, s := range p.steps {
		all = append(all, s.result)
	}
	return all
}
