package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/report"
)

// Options are how a plan is run.
type Options struct {
	Copier *image.Copier
	// Jobs bounds the images under way; at least 1.
	Jobs int
	// Attempts is how often a blob is tried that fails on its way; at least 1.
	Attempts int
	// Directory is for temporary files; empty: the system's.
	Directory string
	// FailFast stops at the first step that fails.
	FailFast bool
	// Progress are all who are told how far the run is.
	Progress []Progress
}

// Run does all steps of the plan that are to do, and leaves in each its result.
// When ctx is cancelled, what is under way is given up, and every step that is
// not done says so.
func Run(ctx context.Context, p *plan.Plan, o Options) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	progress := listeners(o.Progress)
	r := &runner{Options: o, stop: stop, progress: progress, blobs: newBlobs(o.Attempts, progress)}
	progress.Planned(p.Left())
	var group errgroup.Group
	group.SetLimit(max(o.Jobs, 1))
	shelf := &spools{
		directory: o.Directory, open: map[digest.Digest]*spool{},
		begin: func() (context.Context, context.CancelFunc) { return context.WithCancel(ctx) },
	}
	for _, b := range batches(p.Steps, shelf) {
		group.Go(func() error {
			r.batch(ctx, b)
			return nil // a failure is a result, not a reason to stop
		})
	}
	_ = group.Wait() // none returns an error
	r.blobs.attribute(p.Steps)
}

// batch runs the chains of one image at the same time.
func (r *runner) batch(ctx context.Context, b *batch) {
	b.original = sync.OnceValues(func() (*image.Original, error) {
		return r.Copier.Read(ctx, source(b.chains[0][0]))
	})
	var group sync.WaitGroup
	for _, steps := range b.chains {
		group.Go(func() {
			for _, step := range steps {
				r.step(ctx, b, step)
				if r.FailFast && step.Result.Status == report.Failed {
					r.stop(errStopped)
				}
			}
		})
	}
	group.Wait()
	b.close()
}

// errStopped is why steps are cancelled after one has failed under FailFast.
var errStopped = fault.New(fault.Cancelled, fmt.Errorf("not done, because another step failed (--fail-fast)"))

// chain puts every step that is to do behind the one that it needs.
func chain(steps []*plan.Step) [][]*plan.Step {
	index := map[*plan.Step]int{}
	var chains [][]*plan.Step
	var waiting []*plan.Step
	for _, step := range steps {
		switch {
		case !step.ToDo():
		case step.Needs != nil:
			waiting = append(waiting, step)
		default:
			index[step] = len(chains)
			chains = append(chains, []*plan.Step{step})
		}
	}
	for _, step := range waiting {
		if at, needed := index[step.Needs]; needed {
			chains[at] = append(chains[at], step)
			continue
		}
		chains = append(chains, []*plan.Step{step})
	}
	return chains
}

type runner struct {
	Options
	stop     context.CancelCauseFunc
	progress Progress
	blobs    *blobs
}

// step runs one step and completes its result.
func (r *runner) step(ctx context.Context, b *batch, step *plan.Step) {
	started := time.Now()
	step.Result.Attempts = 1
	err := r.attempt(ctx, b, step)
	if err != nil && ctx.Err() != nil {
		err = cancelled(ctx, step)
	}
	step.Result.DurationMS = time.Since(started).Milliseconds()
	switch {
	case err != nil:
		step.Fail(err)
	case step.ToDo():
		step.Result.Status = report.Done
	}
	r.progress.Finished(step.Result)
}

// cancelled says why a step was given up.
func cancelled(ctx context.Context, step *plan.Step) error {
	if cause, ours := errors.AsType[*fault.Error](context.Cause(ctx)); ours {
		return cause
	}
	return fault.New(fault.Cancelled, fmt.Errorf("%s: interrupted before it was done", step.Result.Destination))
}

func (r *runner) attempt(ctx context.Context, b *batch, step *plan.Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if needed := step.Needs; needed != nil && needed.Result.Status == report.Failed {
		return fault.At(fault.Destination, step.Result.Destination,
			fault.New(needed.Result.Error.Kind, fmt.Errorf("not tagged, because %s failed", needed.Result.Destination)))
	}
	if needed := step.Needs; needed != nil && needed.Result.Status == report.Skipped {
		return needed.Err // which is why this is skipped as well
	}
	if step.Itself {
		return r.confirm(ctx, b, step)
	}
	if step.Result.Action == report.Retag {
		return r.retag(ctx, b, step)
	}
	return r.copy(ctx, b, step)
}

// copy brings a whole image.
func (r *runner) copy(ctx context.Context, b *batch, step *plan.Step) error {
	mover := r.blobs.forStep(b, step)
	request := source(step)
	request.Destination, request.Mover = step.Destination, mover
	request.Fresh, request.New, request.InPlace = step.Fresh, step.Result.PreviousDigest == "", step.InPlace
	if b.several() {
		var err error
		if request.Original, err = b.original(); err != nil {
			return err
		}
	}
	copied, err := r.Copier.Copy(ctx, request)
	step.Manifest = nil // there may be many
	result := &step.Result
	result.Attempts = mover.attempts()
	result.BytesRead, result.BytesWritten = copied.Read, copied.Written
	if result.SourceDigest == "" {
		result.SourceDigest = copied.Source
	}
	if len(copied.Platforms) > 0 {
		result.Platforms = copied.Platforms
	}
	if err != nil {
		return err
	}
	return r.check(step, copied)
}

// source is the part of a copy that steps of one batch share.
func source(step *plan.Step) image.Request {
	return image.Request{Source: step.Source, Digest: step.Result.SourceDigest, Manifest: step.Manifest, Selection: step.Selection}
}

// check holds what was written against what was planned.
func (r *runner) check(step *plan.Step, copied image.Copied) error {
	result := &step.Result
	if step.Wanted.Digest != "" && copied.Manifest.Digest != step.Wanted.Digest {
		return fault.At(fault.Destination, result.Destination,
			fault.New(fault.DigestMismatch, fmt.Errorf("writing manifest: planned %s, written %s", step.Wanted.Digest, copied.Manifest.Digest)))
	}
	if copied.Manifest.Digest != result.SourceDigest && len(step.Selection.Platforms) == 0 && step.Selection.System == nil {
		result.Reason = fmt.Sprintf("converted to %s", copied.Manifest.MediaType)
	}
	if step.InPlace {
		result.Reason = "signatures added"
	}
	step.Wanted = copied.Manifest // where only this told
	result.Digest, result.MediaType = copied.Manifest.Digest, copied.Manifest.MediaType
	result.Verified = copied.Verified
	return nil
}

// confirm reads the image that source and destination share, for the tags that
// it gets.
func (r *runner) confirm(ctx context.Context, b *batch, step *plan.Step) error {
	m, err := step.Destination.Repository.Manifest(ctx, step.Destination.Identifier())
	if err != nil {
		return fault.At(fault.Source, step.Result.Source, err)
	}
	b.confirmed = m
	step.Result.BytesRead = m.Size
	if err := r.vouch(ctx, step, m.Digest); err != nil {
		return err
	}
	if step.Result.BytesWritten, err = r.Copier.Sign(ctx, step.Destination, m); err != nil {
		return fault.At(fault.Destination, step.Result.Destination, err)
	}
	step.Confirm(m.Descriptor)
	return nil
}

// vouch asks the policy about an image that only gets another name.
func (r *runner) vouch(ctx context.Context, step *plan.Step, d digest.Digest) error {
	request := source(step)
	request.Chosen = d
	if request.Digest == "" {
		request.Digest = d
	}
	return r.Copier.Vouch(ctx, request)
}

// retag gives a manifest that the repository has another tag; no blob moves.
func (r *runner) retag(ctx context.Context, b *batch, step *plan.Step) error {
	repository, result := step.Destination.Repository, &step.Result
	m, err := r.tagged(ctx, b, step)
	if err != nil {
		return fault.At(fault.Source, result.Source, err)
	}
	if needed := step.Needs; needed == nil || needed.Itself { // another has been asked about
		if err := r.vouch(ctx, step, m.Digest); err != nil {
			return err
		}
	}
	if err := repository.PutManifest(ctx, step.Destination.Identifier(), m); err != nil {
		return fault.At(fault.Destination, result.Destination, err)
	}
	signatures, err := r.Copier.Sign(ctx, step.Destination, m)
	if err != nil {
		return fault.At(fault.Destination, result.Destination, err)
	}
	if result.SourceDigest == "" {
		result.SourceDigest = m.Digest
		if step.Needs != nil { // which may be a part of its source
			result.SourceDigest = step.Needs.Result.SourceDigest
		}
	}
	result.BytesWritten = m.Size + signatures
	result.Digest, result.MediaType, result.Verified = m.Digest, m.MediaType, true
	return nil
}

// tagged is the manifest that a retag is about.
func (r *runner) tagged(ctx context.Context, b *batch, step *plan.Step) (registry.Manifest, error) {
	if needed := step.Needs; needed != nil && needed.Itself && b.confirmed.Bytes != nil {
		if step.Wanted.Digest == "" || step.Wanted.Digest == b.confirmed.Digest {
			return b.confirmed, nil
		}
	}
	m, err := step.Destination.Repository.Manifest(ctx, retagged(step))
	step.Result.BytesRead = m.Size
	return m, err
}

// retagged is the tag or digest of what gets another tag.
func retagged(step *plan.Step) string {
	switch {
	case step.Wanted.Digest != "":
		return step.Wanted.Digest.String()
	case step.Needs != nil:
		return step.Needs.Result.Digest.String()
	}
	return step.Source.Identifier()
}
