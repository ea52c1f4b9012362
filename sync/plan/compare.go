package plan

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/semaphore"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// comparison looks at both sides of steps, of a bounded number at the same time.
type comparison struct {
	Request
	under *semaphore.Weighted // lists and looks at both sides
	begun *semaphore.Weighted // steps, also those whose signatures are looked at
	// looks are what sources have been found to have, lists the tags of repositories,
	// and attached what refers to images.
	looks    answers[looked, found]
	lists    answers[repository, []string]
	attached answers[subject, []string]
}

func newComparison(r Request) *comparison {
	jobs := int64(max(r.Jobs, 1))
	return &comparison{Request: r, under: semaphore.NewWeighted(jobs), begun: semaphore.NewWeighted(maxBegun * jobs)}
}

// maxBegun is how many steps are begun for each that looks at both sides: those
// beyond it wait for nobody but other hosts, which keep signatures.
const maxBegun = 4

// enter waits until there may be one more under way, or ctx has ended and
// nothing will take any time.
func (c *comparison) enter(ctx context.Context) (leave func()) {
	if c.under.Acquire(ctx, 1) != nil {
		return func() {}
	}
	return func() { c.under.Release(1) }
}

// compare fills in what both sides have, and ends the steps whose destination
// is as it should be. Steps of one destination repository go together.
func (c *comparison) compare(ctx context.Context, steps []*Step) {
	for _, step := range steps {
		step.Fixed = step.Fixed || step.ToDo() && c.fixed(step)
	}
	var group sync.WaitGroup
	shelves, alone := arrange(steps)
	for _, shelf := range shelves {
		group.Go(func() { c.shelf(ctx, shelf) })
	}
	c.each(ctx, alone, known{})
	group.Wait()
}

// each compares steps that have nothing to wait for.
func (c *comparison) each(ctx context.Context, steps []*Step, k known) {
	var group sync.WaitGroup
	for _, step := range steps {
		// Only then is there a goroutine: there may be many steps.
		if c.begun.Acquire(ctx, 1) != nil {
			break
		}
		group.Go(func() {
			defer c.begun.Release(1)
			c.step(ctx, step, k)()
		})
	}
	group.Wait()
}

// step compares one step. settle ends it, where it takes more to say that it is
// in place.
func (c *comparison) step(ctx context.Context, step *Step, k known) (settle func()) {
	step.Fresh = k.fresh
	lacks := k.lacks(step.identifier())
	nothing := func() {}
	unseen := (step.read || lacks) && c.needsNoLook(step)
	if unseen && !step.mayBeHeld() {
		return nothing
	}
	leave := c.enter(ctx)
	defer leave()
	if unseen && !c.held(ctx, step, k) {
		return nothing
	}
	if step.Itself {
		return c.itself(ctx, step)
	}
	var group sync.WaitGroup
	var sourceErr, destinationErr error
	there, listed := k.digests[step.identifier()]
	if listed {
		step.Result.PreviousDigest = there
	} else if !lacks {
		group.Go(func() { destinationErr = c.destination(ctx, step) })
	}
	if step.named() != "" { // then the destination may tell all
		group.Wait()
	}
	if step.there(step.named()) { // whatever has become of the source
		step.isThere()
	} else {
		group.Go(func() { sourceErr = c.source(ctx, step) })
	}
	group.Wait()
	switch {
	case ctx.Err() != nil:
	case sourceErr != nil:
		step.Fail(step.atSource(sourceErr))
	case destinationErr != nil:
		step.Fail(step.atDestination(destinationErr))
	case step.there(step.Wanted), step.there(step.made):
		return func() { c.inPlace(ctx, step) }
	case step.overtaken():
		step.Fail(step.atDestination(errOvertaken))
	case step.moves():
		step.bar(step.mayNotMove(step.Result.PreviousDigest, cmp.Or(step.Wanted, step.made)))
	default:
		return c.todo(ctx, step, k)
	}
	return nothing
}

// todo leaves a step to the run: as a retag, where its destination has the image
// under another name.
func (c *comparison) todo(ctx context.Context, step *Step, k known) (settle func()) {
	if step.mayBeHeld() && c.held(ctx, step, k) && c.complete(ctx, step) {
		step.retag()
	}
	if c.ReadOnly && c.Copier != nil {
		return func() { c.vouch(ctx, step) }
	}
	return func() {}
}

// needsNoLook reports whether a step whose destination is not there yet, or is
// its source, can be left to the run as it is: that reads the source in any
// case, and there is nobody to whom its digest has to be told before. What comes
// from elsewhere than a registry, a run tells no digest of.
func (c *comparison) needsNoLook(step *Step) bool {
	_, told := step.from.(remote)
	if !told || c.ReadOnly || step.several || step.pin != "" || step.Referrers {
		return false
	}
	if step.Destination.Digested() != "" && !step.Selection.All() {
		return false // it has to be seen whether it keeps the digest
	}
	if step.within && step.Selection.All() && step.Format == "" && !step.Itself {
		step.retag()
	}
	return true
}

// source finds out what is wanted at the destination.
func (c *comparison) source(ctx context.Context, step *Step) error {
	source := c.lookAt(ctx, step)
	if source.err != nil {
		return source.err
	}
	if step.pin != "" && step.pin != source.digest {
		return moved(step.pin, source.digest)
	}
	if err := fitsItsName(step, source.choice.Digest); err != nil {
		return err
	}
	step.found(source)
	if step.Format != "" || !step.keepsDigest() {
		step.made = source.made
		return nil
	}
	step.want(source.choice.Digest)
	if step.within && source.choice.Digest == source.digest {
		step.retag()
	}
	return nil
}

// moved is the failure of a tag that does not name what it is pinned to.
func moved(pin, there digest.Digest) error {
	return fault.New(fault.Conflict, fmt.Errorf("the tag has moved: it is pinned to %s and names %s", pin, there))
}

// fitsItsName refuses what would be pushed by a digest that it does not have,
// which no registry takes.
func fitsItsName(step *Step, chosen digest.Digest) error {
	name := step.Destination.Digested()
	if name == "" || chosen == "" || chosen == name {
		return nil
	}
	remedy := fmt.Sprintf("give it a tag with tags: {%q: [TAG]}", name)
	if step.Selection.System != nil {
		remedy = "take all of it with --all"
	}
	return fault.WithRemedy(fault.Input,
		fmt.Errorf("what is chosen of the index has another digest, %s, and cannot be pushed by this one", chosen), remedy)
}

// keepsDigest reports whether what is wanted of the source has the same digest
// at the destination, unless it is converted: neither keeps images in a format
// of its own.
func (s *Step) keepsDigest() bool {
	return s.from.keepsDigest(s.Selection) && s.to.keepsDigest(content.Selection{})
}

// destination finds out what is there now. That a registry may not be read is no
// failure: an account that may push need not be allowed to read what is not
// there yet, and the write will tell. Credentials that are not accepted are one.
func (c *comparison) destination(ctx context.Context, step *Step) error {
	obstacle := step.Destination.Writable
	if c.KeepDirectories {
		obstacle = step.Destination.Vacant
	}
	if err := obstacle(); err != nil {
		return err
	}
	there, err := step.to.look(ctx)
	_, inRegistry := step.to.(remote)
	switch {
	case err == nil:
		step.Result.PreviousDigest = there.Digest
		if step.there(step.named()) { // and nobody asks the source
			step.Result.MediaType = there.MediaType
		}
		return nil
	case fault.Is(err, fault.NotFound):
		return nil
	case inRegistry && (fault.Is(err, fault.Unauthorized) || fault.Is(err, fault.Denied)) && !transport.Refused(err):
		step.refused = err
		return nil
	}
	return err
}
