package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
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
	// FinishBegun lets what is under way then come to its end, as if steps were
	// done one after another.
	FinishBegun bool
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
					r.fail()
				}
			}
		})
	}
	group.Wait()
	b.close()
}

// fail stops the run.
func (r *runner) fail() {
	r.stopped.Store(true)
	if !r.FinishBegun {
		r.stop(errStopped)
	}
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
	stopped  atomic.Bool // nothing more is begun
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
	if r.stopped.Load() {
		return errStopped
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
	switch step.Action {
	case report.Retag:
		return r.retag(ctx, b, step)
	case report.Assemble, report.Merge:
		return r.write(ctx, step)
	}
	return r.copy(ctx, b, step)
}

// copy brings a whole image.
func (r *runner) copy(ctx context.Context, b *batch, step *plan.Step) error {
	mover := r.blobs.forStep(b, step)
	request := source(step)
	request.Destination, request.Mover, request.Guard = step.Destination, mover, guard(step)
	request.Fresh, request.New, request.InPlace = step.Fresh, step.Result.PreviousDigest == "", step.InPlace
	request.Lacks, request.Referrers = step.Lacks, step.Referrers
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
	return image.Request{Source: step.Source, Digest: step.SourceDigest, Manifest: step.Manifest, Selection: step.Selection}
}

// check holds what was written against what was planned: another manifest has to
// be one that the planned image was allowed to become.
func (r *runner) check(step *plan.Step, copied image.Copied) error {
	result := &step.Result
	became := step.Wanted != "" && copied.Manifest.Digest != step.Wanted
	moved := step.SourceDigest != "" && copied.Source != step.SourceDigest // while it was not a registry's
	if became && (moved || !r.Copier.AllowConversion) {
		return fault.At(fault.Destination, result.Destination,
			fault.New(fault.DigestMismatch, fmt.Errorf("writing manifest: planned %s, written %s", step.Wanted, copied.Manifest.Digest)))
	}
	step.Reach(copied.Manifest)
	if became {
		result.Reason = "converted to " + copied.Manifest.MediaType
	}
	if step.InPlace {
		result.Reason = "signatures added"
	}
	result.Verified = copied.Verified
	return nil
}
