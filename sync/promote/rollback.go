package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/report"
)

// moving is how long tags may take to come to their end after a run was
// interrupted.
const moving = 2 * time.Minute

// uninterrupted is for what has to come to its end once it is begun: it takes the
// time it needs, and after an interruption no longer than moving.
func uninterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	under, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(moving):
			cancel()
		case <-under.Done():
		}
	})
	return under, func() {
		stop()
		cancel()
	}
}

// sendBack sends back what this promotion has moved, also where the run was
// interrupted or ended before, and notes it in the results.
func (p *promotion) sendBack(ctx context.Context) error {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	byTag := map[string]*plan.Step{}
	for _, step := range p.steps {
		byTag[step.Result.Destination] = step
	}
	whole := true
	for _, back := range p.restore(ctx, p.Journal.last.tags) {
		step := byTag[back.Tag]
		if step == nil { // of an image that is not promoted any more
			step = plan.Failing("", back.Tag, report.Retag, back.err)
			step.Result = back.result()
			p.steps = append(p.steps, step)
		}
		whole = whole && back.settled()
		switch {
		case back.err != nil && step.Result.Status == report.Failed: // which says why
		case back.err != nil:
			step.Fail(fault.At(fault.Destination, back.Tag, fault.WithRemedy(fault.KindOf(back.err),
				fmt.Errorf("sending it back to %s: %w", orNothing(back.Previous), back.err), "csync promote FILE --rollback")))
		case back.moved && step.Result.Status != report.Failed:
			step.Result.Status, step.Result.Reason = report.RolledBack, "sent back to "+orNothing(back.Previous)
			step.Result.PreviousDigest, step.Result.Digest = back.Previous, back.Wanted
		}
	}
	if !whole {
		return nil // the journal stays open
	}
	return p.Journal.end(rolledBack)
}

func orNothing(d digest.Digest) string {
	if d == "" {
		return "nothing"
	}
	return d.String()
}

// restored is what became of a tag that was to go back.
type restored struct {
	intent
	moved bool // it named what the promotion had given it
	err   error
}

// restore sends tags back to what they named, those that no one else has moved
// meanwhile. The last that the journal knows of a tag comes first.
func (p *promotion) restore(ctx context.Context, tags []intent) []restored {
	tags = original(tags)
	all := make([]restored, len(tags))
	var group errgroup.Group
	group.SetLimit(max(p.Run.Jobs, 1))
	for i, tag := range tags {
		group.Go(func() error {
			all[i] = restored{intent: tag}
			all[i].moved, all[i].err = p.restoreOne(ctx, tag)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	return all
}

// original joins what a journal has of each tag: what it named first, and what it
// was to name last.
func original(tags []intent) []intent {
	var joined []intent
	for _, tag := range tags {
		at := slices.IndexFunc(joined, func(known intent) bool { return known.Tag == tag.Tag })
		if at < 0 {
			joined = append(joined, tag)
			continue
		}
		joined[at].Wanted = tag.Wanted
	}
	return joined
}

func (p *promotion) restoreOne(ctx context.Context, tag intent) (moved bool, err error) {
	location, err := p.find(tag.Tag)
	if err != nil {
		return false, err
	}
	there, _ := location.Shelf()
	now, err := there.Resolve(ctx, there.Identifier)
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return false, err
	case now.Digest == tag.Previous:
		return false, nil
	case now.Digest != tag.Wanted:
		return false, errMovedSince(now.Digest)
	}
	if err := putBack(ctx, there, tag); err != nil {
		return true, err
	}
	return true, isBack(ctx, there, tag)
}

func putBack(ctx context.Context, there image.Shelved, tag intent) error {
	if tag.Previous == "" {
		return there.DeleteTag(ctx, there.Identifier)
	}
	m, err := there.Manifest(ctx, tag.Previous.String())
	if err != nil {
		return err
	}
	return there.PutManifest(ctx, there.Identifier, m)
}

// isBack asks whether a tag names again what it did: that a registry says to have
// written it counts for nothing.
func isBack(ctx context.Context, there image.Shelved, tag intent) error {
	now, err := there.Resolve(ctx, there.Identifier)
	switch {
	case err != nil && (tag.Previous != "" || !fault.Is(err, fault.NotFound)):
		return fmt.Errorf("asking whether it is back: %w", err)
	case now.Digest != tag.Previous:
		return fault.New(fault.DigestMismatch, fmt.Errorf("it should name %s again, and names %s", orNothing(tag.Previous), orNothing(now.Digest)))
	}
	return nil
}

// Rollback puts back every tag that the last promotion of the journal has moved,
// and removes those that were new. The error says why nothing was attempted.
func Rollback(ctx context.Context, r Request) ([]report.Result, error) {
	p := &promotion{Request: r}
	if err := p.open(); err != nil {
		return nil, err
	}
	last := r.Journal.undoable()
	switch {
	case last == nil:
		return nil, fault.New(fault.Input, fmt.Errorf("journal %s: there is no promotion in it", r.Journal.path))
	case last.Promotion != p.identity():
		return nil, errOther(r.Journal, last)
	case last.end == rolledBack:
		return nil, nil
	}
	if r.Plan.ReadOnly {
		return p.wouldRestore(ctx, original(last.tags)), nil
	}
	if err := r.Journal.open(); err != nil {
		return nil, err
	}
	var results []report.Result
	whole := true
	for _, back := range p.restore(ctx, last.tags) {
		results = append(results, back.result())
		whole = whole && back.settled()
	}
	if !whole {
		return results, nil // the journal stays as it is
	}
	if err := r.Journal.undone(last); err != nil {
		results = append(results, unwritten(r.Journal, err).Result)
	}
	return results, nil
}

// settled reports whether there is nothing more to do for a tag: it is back, or
// somebody else has moved it, who means that.
func (back restored) settled() bool { return back.err == nil || errors.Is(back.err, errTaken) }

func (back restored) result() report.Result {
	r := report.Result{Action: report.Retag, Status: report.Done, Destination: back.Tag, Digest: back.Previous, PreviousDigest: back.Wanted, Attempts: 1}
	if back.Previous == "" {
		r.Action = report.Delete
	}
	switch {
	case back.err != nil:
		r.Status, r.Error = report.Failed, report.Failure(fault.At(fault.Destination, back.Tag, back.err))
	case !back.moved:
		r.Status, r.PreviousDigest = report.Unchanged, ""
	default:
		r.Verified = true
	}
	return r
}
