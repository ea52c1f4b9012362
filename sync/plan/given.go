package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/report"
)

// Compare plans steps whose references are decided already, as those of a
// promotion are, and what refers to their images. Of the request, nothing is used
// that says what is wanted.
func Compare(ctx context.Context, r Request, steps []*Step) *Plan {
	c := newComparison(r)
	steps = refuseCollisions(steps)
	c.compare(ctx, steps)
	steps = append(steps, c.referrers(ctx, steps)...)
	sortSteps(steps)
	return &Plan{Steps: steps}
}

func sortSteps(steps []*Step) {
	slices.SortStableFunc(steps, func(a, b *Step) int {
		return cmp.Or(cmp.Compare(a.Result.Destination, b.Result.Destination), cmp.Compare(a.Result.Source, b.Result.Source))
	})
}

// Copying is the step that brings an image from one reference to another. The
// source has been found to be known, and that is what is brought, whatever its tag
// names by then.
func Copying(from, to image.Location, known v1.Descriptor) *Step {
	step := newStep(from, to)
	step.pin, step.listed = known.Digest, known
	step.Itself = step.within && from.Identifier() == to.Identifier()
	return step
}

// WithReferrers makes the step bring what refers to its image as well: signatures,
// attestations, SBOMs.
func (s *Step) WithReferrers() { s.Referrers = true }

// Tagging is the step that gives what another step writes a further tag in its
// repository. to has to be there.
func Tagging(needs *Step, to image.Location) *Step {
	step := newStep(needs.Source, to)
	step.from, step.Parts = needs.from, needs.Parts
	step.pin, step.listed = needs.pin, needs.listed
	step.Needs = needs
	step.retag()
	return step
}

// Retagging is the step that gives an image another tag in its repository. One
// that names another digest than pin, if that is not "", is not tagged.
func Retagging(from, to image.Location, pin digest.Digest) *Step {
	step := newStep(from, to)
	step.pin, step.several = pin, true
	step.retag()
	return step
}

// Part is an image that an index was made of, as the policy is asked about it.
type Part struct {
	image.Location
	Digest digest.Digest
}

// writing is the step that writes an index of images that the repository of to
// has by then. The action says what made it. The first of its parts is the source
// in the report.
func writing(action report.Action, index registry.Manifest, parts []Part, to image.Location) *Step {
	step := newStep(parts[0].Location, to)
	step.Action, step.Result.Action = action, action
	step.from, step.within = given{index}, false
	step.Parts, step.Manifest = parts, &index
	return step
}

// VouchParts asks the policy about everything that an index is made of.
func (s *Step) VouchParts(ctx context.Context, policy interface {
	Vouch(ctx context.Context, request image.Request) error
},
) error {
	for _, part := range s.Parts {
		if err := policy.Vouch(ctx, image.Request{Source: part.Location, Digest: part.Digest, Chosen: part.Digest}); err != nil {
			return err
		}
	}
	return nil
}

// given is a manifest that is nowhere yet.
type given struct{ registry.Manifest }

// written is the index that the step writes or tags which was made here; "" of
// what is the source's.
func (s *Step) written() digest.Digest {
	g, _ := s.from.(given)
	return g.Digest
}

func (g given) look(context.Context) (v1.Descriptor, error) { return g.Descriptor, nil }
func (given) complete(context.Context) error                { return nil }
func (given) keepsDigest(content.Selection) bool            { return true }

// open gives an index alone: what it lists is kept elsewhere.
func (g given) open(context.Context) (stock, error) {
	return stock{tree: &content.Tree{Manifest: g.Manifest}, parallel: 1, close: func() {}}, nil
}

func (g given) choose(context.Context, content.Selection) found {
	return asItIs(g.Descriptor, nil)
}

// Failing is the step of something that could not be planned because of err.
func Failing(source, destination string, action report.Action, err error) *Step {
	step := failed(source, destination, err)
	step.Action, step.Result.Action = action, action
	return step
}

// Hold ends a step that is not to be done because of what others have come to.
func (o *Outcome) Hold(why string) {
	o.Result.Status, o.Result.Reason = report.Skipped, why
}

// Confirm asks the destinations once more about every step that is done or
// unchanged: whether they answer with the digest. It reads only; jobs bounds the
// questions under way. [Plan.Audit] asks for all that is below it, too.
func (p *Plan) Confirm(ctx context.Context, jobs int) {
	p.each(jobs, (*Step).inPlace, func(step *Step) {
		if err := step.confirm(ctx); err != nil {
			step.Fail(step.atDestination(err))
		}
	})
}

// names is the failure of a reference that names another digest than it should.
func names(there, wanted digest.Digest) error {
	return fault.New(fault.DigestMismatch, fmt.Errorf("the reference names %s, and should name %s", there, wanted))
}

func (s *Step) confirm(ctx context.Context) error {
	s.Result.Verified = false
	there, err := s.to.look(ctx)
	if err != nil {
		return err
	}
	if there.Digest != s.Result.Digest {
		return names(there.Digest, s.Result.Digest)
	}
	s.Result.Verified = true
	return nil
}
