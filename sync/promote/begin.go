package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/report"
)

// identity is equal for promotions of one label between the same registries,
// whatever the hash.
func (p *promotion) identity() digest.Digest {
	var sides []string
	for _, side := range append(slices.Clone(p.Destinations), p.Source) {
		sides = append(sides, side.Place+side.Registry+"/"+side.Namespace)
	}
	return digest.FromString(strings.Join(append(sides, p.Label), "\n"))
}

// begin notes in the journal that the promotion begins, or goes on with the one
// that is there.
func (p *promotion) begin() error {
	moving := func(step *plan.Step) bool { return !step.ToDo() || step.Result.PreviousDigest == "" }
	moved := slices.DeleteFunc(slices.Concat(p.contents, p.indexes), moving)
	for _, step := range moved {
		step.Guarded = true // else the journal would not have what it named
	}
	last := p.Journal.unfinished()
	if last == nil {
		err := p.Journal.begin(header{
			Journal: journalSchema, Promotion: p.identity(), Hash: p.Found.Hash, Label: p.Label, Started: time.Now().UTC(),
		})
		if err != nil {
			return err
		}
		return p.Journal.intend(intents(moved))
	}
	p.resumed = true
	if err := p.Journal.open(); err != nil {
		return err
	}
	return p.Journal.intend(intents(moved))
}

// Unfinished says why a promotion cannot begin: the journal has one that did not
// come to its end. With resume, that may be this one.
func (r Request) Unfinished(resume bool) error {
	last := r.Journal.unfinished()
	p := &promotion{Request: r}
	switch {
	case last == nil:
		return nil
	case last.Promotion != p.identity():
		return errOther(r.Journal, last)
	case !resume:
		return fault.WithRemedy(fault.Conflict, fmt.Errorf("journal %s: the promotion of %s to %s did not come to its end", r.Journal.path, last.Hash, last.Label),
			"--resume goes on with it, --rollback undoes what it has done")
	case last.Hash != r.Found.Hash:
		return fault.WithRemedy(fault.Conflict, fmt.Errorf("journal %s: the promotion that did not come to its end is of %s, not of %s", r.Journal.path, last.Hash, r.Found.Hash),
			"--hash "+last.Hash+" --resume goes on with it, --rollback undoes what it has done")
	}
	return nil
}

func errOther(j *Journal, last *record) error {
	return fault.WithRemedy(fault.Conflict, fmt.Errorf("journal %s: it is of another promotion, of %s to %s between other registries", j.path, last.Hash, last.Label),
		"name this promotion's journal with --journal")
}

// intents are the steps that are to do, as a journal has them.
func intents(lists ...[]*plan.Step) []intent {
	var all []intent
	for _, step := range slices.Concat(lists...) {
		if step.ToDo() && tagOf(step) != "" {
			all = append(all, intent{Tag: step.Result.Destination, Previous: step.Result.PreviousDigest, Wanted: step.Wanted})
		}
	}
	return all
}

// resume fails the tags that somebody else has moved since the promotion began that
// is gone on with.
func (p *promotion) resume() {
	last := p.Journal.unfinished()
	if last == nil {
		return
	}
	known := map[string]intent{}
	for _, tag := range original(last.tags) {
		known[tag.Tag] = tag
	}
	for _, step := range slices.Concat(p.contents, p.indexes, p.previous, p.labels) {
		tag, begun := known[step.Result.Destination]
		if now := step.Result.PreviousDigest; begun && step.ToDo() && now != tag.Previous && now != tag.Wanted {
			step.Fail(fault.At(fault.Destination, tag.Tag, fault.New(fault.Conflict,
				fmt.Errorf("somebody else has moved it to %s since the promotion began", orNothing(now)))))
		}
	}
}

// wouldRestore says what a rollback would do.
func (p *promotion) wouldRestore(ctx context.Context, tags []intent) []report.Result {
	var results []report.Result
	for _, tag := range tags {
		back := restored{intent: tag}
		location, err := p.find(tag.Tag)
		if err == nil {
			there, _ := location.Shelf()
			now, failure := there.Resolve(ctx, there.Identifier)
			back.moved = now.Digest == tag.Wanted
			switch {
			case failure != nil && !fault.Is(failure, fault.NotFound):
				err = failure
			case !back.moved && now.Digest != tag.Previous:
				err = errMovedSince(now.Digest)
			}
		}
		back.err = err
		r := back.result()
		if r.Status == report.Done {
			r.Status, r.Verified = report.Planned, false
		}
		results = append(results, r)
	}
	return results
}

// errTaken says that a tag is not this promotion's any more.
var errTaken = errors.New("somebody else has moved it")

func errMovedSince(now digest.Digest) error {
	return fault.New(fault.Conflict, fmt.Errorf("%w to %s since", errTaken, orNothing(now)))
}
