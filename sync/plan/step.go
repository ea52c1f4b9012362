package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/report"
)

// Step is one destination reference and the state it must reach.
type Step struct {
	Source, Destination image.Location
	Selection           content.Selection
	// Place is where Destination is; nil for what has none.
	Place image.Place
	// Wanted is the manifest that the destination must have. Until the step has
	// been run, its digest is empty where only copying tells: a conversion, a
	// format of its own, or a tag that the destination certainly lacks.
	Wanted v1.Descriptor
	// Manifest is the source's, where it has been read already.
	Manifest *registry.Manifest
	// Fresh says that the destination repository did not exist when planned.
	Fresh bool
	// InPlace says that the destination has the image, but not all of its
	// signatures.
	InPlace bool
	// Itself says that source and destination are one image, which has to be there
	// and is never written.
	Itself bool
	// Needs is a step that must have succeeded before this one; nil for most.
	Needs *Step
	// Result is what is known so far. A step with a status needs nothing more.
	Result report.Result
	// Err is why the step has failed, or was skipped.
	Err error

	pin       digest.Digest // what the source must be; empty: whatever it is
	listed    digest.Digest // what the source's list of tags said it is; "" if it did not
	refused   error         // that the destination may not be read; nil: it may
	referrers bool          // what refers to the image is wanted as well
	read      bool          // the run reads it in any case
	collides  bool          // another image is wanted under the same reference
}

// ToDo reports whether the step has still to be run.
func (s *Step) ToDo() bool { return s.Result.Status == "" }

// errNothingSelected is no failure: a pattern may be ahead of the tags.
var errNothingSelected = errors.New("none of the repository's tags is selected")

// errUnmet is none for the same reason.
var errUnmet = errors.New("the tag of which this is a further one is not among those chosen")

// errNoReferrers is no failure either: signatures are wanted where they can be.
var errNoReferrers = errors.New("only a registry keeps what refers to an image")

// Fail ends the step: as failed, or as skipped where err says that there was
// nothing to do.
func (s *Step) Fail(err error) {
	s.Err = err
	var unwanted *content.NotWantedError
	nothing := slices.ContainsFunc([]error{errNothingSelected, errUnmet, errNoReferrers}, func(known error) bool { return errors.Is(err, known) })
	if errors.As(err, &unwanted) || nothing {
		s.Result.Status, s.Result.Reason = report.Skipped, err.Error()
		return
	}
	s.Result.Status, s.Result.Error, s.Result.Verified = report.Failed, report.Failure(err), false
}

// Confirm ends the step: source and destination are the same image.
func (s *Step) Confirm(there v1.Descriptor) {
	r := &s.Result
	r.SourceDigest, r.Digest, r.MediaType = there.Digest, there.Digest, there.MediaType
	r.Status, r.Verified = report.Unchanged, true
}

// failed makes the step of something that has no location because err came
// before.
func failed(source, destination string, err error) *Step {
	s := &Step{Result: report.Result{Action: report.Copy, Source: source, Destination: destination}}
	s.Fail(err)
	return s
}

// at says at which place a step's destination is.
func (s *Step) at(place image.Place) *Step {
	s.Place = place
	return s
}

// request is the step as a copier has it.
func (s *Step) request() image.Request {
	return image.Request{
		Source: s.Source, Destination: s.Destination, Digest: s.Result.SourceDigest, Chosen: s.Wanted.Digest, Selection: s.Selection,
	}
}

// atSource and atDestination say where an error happened.
func (s *Step) atSource(err error) error {
	return fault.At(fault.Source, s.Result.Source, err)
}

func (s *Step) atDestination(err error) error {
	return fault.At(fault.Destination, s.Result.Destination, err)
}

// Plan is the steps of a run, ordered by destination.
type Plan struct{ Steps []*Step }

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
			logrus.Warnf("discarding what was begun of %s: %v", place, err)
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
