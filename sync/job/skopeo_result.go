package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"oras.land/oras-go/v2/errdef"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/report"
)

// NotFoundError says that the manifest of an image is not there.
type NotFoundError struct{ Err error }

func (e *NotFoundError) Error() string { return e.Err.Error() }
func (e *NotFoundError) Unwrap() error { return e.Err }

// result ends the run as skopeo does: with the first failure, or where it has
// gone on, with all of them in the log.
func (f skopeo) result(ctx context.Context, p *plan.Plan) error {
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return err
	}
	if f.From == "docker" && len(failures(p)) == 0 && !slices.ContainsFunc(p.Steps, named) {
		return fault.New(fault.Input, fmt.Errorf("No images to sync found in %q", f.Source))
	}
	failed := false
	for _, step := range failures(p) {
		if stops(step) && !f.KeepGoing {
			return skopeoFailure(step)
		}
		if !stops(step) && f.From == "docker" {
			return cause(step.Err)
		}
		failed = true
		if stops(step) {
			f.logger.Errorf("Error copying ref %q: %v", step.Result.Source, step.Err)
		} // what could not be listed has been announced
	}
	f.summarize(p)
	if failed {
		return errors.New("Sync failed due to previous reported error(s) for one or more images")
	}
	return nil
}

// giveUp ends the steps that were not begun, because another one failed before.
func giveUp(steps []*plan.Step) {
	for _, step := range steps {
		if step.ToDo() {
			step.Fail(fault.At(fault.Destination, step.Result.Destination,
				fault.WithRemedy(fault.Cancelled, errors.New("not done, because another image failed"), "--keep-going goes on")))
		}
	}
}

// failures are the steps that failed; those that were given up come last.
func failures(p *plan.Plan) []*plan.Step {
	var failed, cancelled []*plan.Step
	for _, step := range p.Steps {
		switch {
		case step.Result.Status != report.Failed:
		case fault.Is(step.Err, fault.Cancelled):
			cancelled = append(cancelled, step)
		default:
			failed = append(failed, step)
		}
	}
	return append(failed, cancelled...)
}

// stops reports whether a step has failed as an image. What could not even be
// listed is skipped by skopeo, and by csync as well, but not forgotten.
func stops(step *plan.Step) bool {
	return step.Result.Status == report.Failed && named(step)
}

// named reports whether a step is about an image, not about what could not be
// listed or chosen from.
func named(step *plan.Step) bool { return step.Source.Reference != nil }

// skopeoFailure says what ended the run. An image whose manifest is not there,
// as opposed to a platform that an index lacks, has an exit code of its own.
func skopeoFailure(step *plan.Step) error {
	err := fmt.Errorf("Error copying ref %q: %w", step.Result.Source, step.Err)
	_, inRegistry := step.Source.Remote()
	unread := inRegistry && step.Result.SourceDigest == ""
	if unread && fault.SideOf(step.Err) == fault.Source && fault.Is(step.Err, fault.NotFound) && errors.Is(step.Err, errdef.ErrNotFound) {
		return &NotFoundError{err}
	}
	return err
}

// cause is err without the side that it happened on, in skopeo's words where
// they are known.
func cause(err error) error {
	if at, ok := errors.AsType[*fault.Error](err); ok && at.Side != "" {
		err = at.Err
	}
	if strings.HasPrefix(err.Error(), "determining repository tags") {
		return fmt.Errorf("Error %w", err)
	}
	return err
}
