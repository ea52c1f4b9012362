package plan

import (
	"errors"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/report"
)

// Step is one destination reference: the state it must reach, and what became
// of that.
type Step struct {
	Wish
	Outcome
	// Manifest is the source's, where planning has read it already. A run may drop
	// it once it is used, because there may be many.
	Manifest *registry.Manifest
}

// Wish is the state that a destination reference must reach. Planning makes it;
// whoever runs or reports it only reads it.
type Wish struct {
	Action              report.Action
	Source, Destination image.Location
	// Place is where Destination is; nil for what has none.
	Place     image.Place
	Selection content.Selection
	// Format is the media type that manifests are converted to; "" converts none.
	Format string
	// SourceDigest is what Source named when it was looked at; "" where a run is to
	// take what it names then.
	SourceDigest digest.Digest
	// Wanted is the manifest that the destination must have; "" where only copying
	// tells: a conversion, a format of its own, or a tag that the destination
	// certainly lacks.
	Wanted digest.Digest
	// Fresh says that the destination repository did not exist when planned.
	Fresh bool
	// Held says that the destination's repository has the image under another name,
	// Lacks that it does not; neither, that this is not known.
	Held, Lacks bool
	// InPlace says that the destination has the image, but not all of its
	// signatures.
	InPlace bool
	// Itself says that source and destination are one image, which has to be there
	// and is never written.
	Itself bool
	// Fixed says that its tag, if there is one, may not be moved to another digest.
	Fixed bool
	// Referrers wants what refers to the image as well, which other steps bring.
	Referrers bool
	// Needs is a step that must have succeeded before this one; nil for most.
	Needs *Step
	// Guarded says that the tag is moved only from what planning found it to name:
	// the registry is asked once more.
	Guarded bool
	// Unsigned says that nobody signs what it writes; it is within one repository, so
	// that no signature of a source can be missing.
	Unsigned bool
	// Parts are the images of an index that was made here; none for what is the
	// source's.
	Parts []Part

	from, to end
	within   bool           // source and destination are one repository
	several  bool           // the same image goes to other destinations as well
	pin      digest.Digest  // what the source must be; "": whatever it is
	listed   v1.Descriptor  // what the source has been found to be before, as far as that was told; zero: it was not
	made     digest.Digest  // what a run before made of the source; "": not known
	over     *digest.Digest // what the destination named when the step was made; nil: whatever
	refused  error          // that the destination may not be read; nil: it may
	read     bool           // the run reads it in any case
	collides bool           // another image is wanted under the same reference
	barred   bool           // it may not have its name, which says nothing of the image
}

// Key names what a step does, the same in every run that is to do the same.
type Key struct {
	Source, Destination string        // as users write them
	Wanted              digest.Digest // as [Wish] has it
}

// Key is the step's. No two steps of a plan that have locations share one.
func (s *Step) Key() Key {
	return Key{Source: s.Result.Source, Destination: s.Result.Destination, Wanted: s.Wanted}
}

// Outcome is what became of a step, as far as it has come.
type Outcome struct {
	// Result is what is known so far. A step with a status needs nothing more.
	Result report.Result
	// Err is why the step has failed, or was skipped.
	Err error
}

// ToDo reports whether the step has still to be run.
func (o *Outcome) ToDo() bool { return o.Result.Status == "" }

// ErrNothingSelected is no failure: a pattern may be ahead of the tags. Nothing is
// deleted because of it.
var ErrNothingSelected = errors.New("none of the repository's tags is selected")

// errUnmet is none for the same reason.
var errUnmet = errors.New("the tag of which this is a further one is not among those chosen")

// errNoReferrers is no failure either: signatures are wanted where they can be.
var errNoReferrers = errors.New("only a registry or an OCI layout keeps what refers to an image")

// Fail ends the step: as failed, or as skipped where err says that there was
// nothing to do.
func (o *Outcome) Fail(err error) {
	o.Err = err
	var unwanted *content.NotWantedError
	nothing := slices.ContainsFunc([]error{ErrNothingSelected, errUnmet, errNoReferrers}, func(known error) bool { return errors.Is(err, known) })
	if errors.As(err, &unwanted) || nothing {
		o.Result.Status, o.Result.Reason = report.Skipped, err.Error()
		return
	}
	o.Result.Status, o.Result.Error, o.Result.Verified = report.Failed, report.Failure(err), false
}

// Confirm ends the step: source and destination are the same image.
func (o *Outcome) Confirm(there v1.Descriptor) {
	r := &o.Result
	r.SourceDigest, r.Digest, r.MediaType = there.Digest, there.Digest, there.MediaType
	r.Status, r.Reason, r.Verified, r.PreviousDigest = report.Unchanged, "", true, ""
}

// Reach notes what the destination has now, and whether it was converted.
func (s *Step) Reach(there v1.Descriptor) {
	s.Result.Digest, s.Result.MediaType = there.Digest, there.MediaType
	if s.Selection.All() && there.Digest != s.Result.SourceDigest {
		s.Result.Reason = "converted to " + there.MediaType
	}
}

// newStep is the step that copies an image.
func newStep(from, to image.Location) *Step {
	return &Step{
		Wish: Wish{
			Action: report.Copy, Source: from, Destination: to,
			from: endOf(from), to: endOf(to), within: sameRepository(from, to),
		},
		Outcome: Outcome{Result: report.Result{Action: report.Copy, Source: from.String(), Destination: to.String()}},
	}
}

// failed makes the step of something that has no location because err came
// before.
func failed(source, destination string, err error) *Step {
	s := &Step{Outcome: Outcome{Result: report.Result{Action: report.Copy, Source: source, Destination: destination}}}
	s.Fail(err)
	return s
}

// at says at which place a step's destination is.
func (s *Step) at(place image.Place) *Step {
	s.Place = place
	return s
}

// retag makes the step give a tag to what its repository has.
func (s *Step) retag() { s.Action, s.Result.Action = report.Retag, report.Retag }

// found notes what the source is, and what is wanted of it.
func (s *Step) found(f found) {
	s.SourceDigest = f.digest
	if len(s.Parts) == 0 { // else there is no one image that is the source
		s.Result.SourceDigest = f.digest
	}
	s.Result.MediaType, s.Result.Platforms = f.choice.MediaType, f.choice.Platforms
}

// want notes what the destination must have.
func (s *Step) want(d digest.Digest) { s.Wanted, s.Result.Digest = d, d }

// request is the step as a copier has it.
func (s *Step) request() image.Request {
	chosen := s.Wanted
	if s.Selection.All() { // also where that is converted afterwards
		chosen = s.SourceDigest
	}
	return image.Request{
		Source: s.Source, Destination: s.Destination, Selection: s.Selection,
		Digest: s.SourceDigest, Chosen: chosen, There: s.Result.PreviousDigest,
	}
}

// atSource and atDestination say where an error happened.
func (s *Step) atSource(err error) error {
	return fault.At(fault.Source, s.Result.Source, err)
}

func (s *Step) atDestination(err error) error {
	return fault.At(fault.Destination, s.Result.Destination, err)
}
