package plan

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/semaphore"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/report"
)

// comparison looks at both sides of steps, of a bounded number at the same time.
type comparison struct {
	Request
	under *semaphore.Weighted
	// looks are what sources have been found to have, each asked once however
	// many destinations it has.
	looks *looks
	lists tagLists
}

func newComparison(r Request) *comparison {
	return &comparison{Request: r, under: semaphore.NewWeighted(int64(max(r.Jobs, 1))), looks: newLooks()}
}

// enter waits until there may be one more under way, or ctx has ended and
// nothing will take any time.
func (c *comparison) enter(ctx context.Context) (leave func()) {
	if c.under.Acquire(ctx, 1) != nil {
		return func() {}
	}
	return func() { c.under.Release(1) }
}

// compare fills in what both sides have, and ends the steps whose destination
// is as it should be. Steps of one destination repository go together: where
// its first tag is missing, one tag list tells which others are.
func (c *comparison) compare(ctx context.Context, steps []*Step) {
	var group sync.WaitGroup
	for _, shelf := range shelves(steps) {
		group.Go(func() { c.shelf(ctx, shelf) })
	}
	group.Wait()
}

// shelves groups the steps that are still to do by destination repository; what
// goes elsewhere than to a registry stands alone.
func shelves(steps []*Step) [][]*Step {
	index := map[*registry.Repository]int{}
	var all [][]*Step
	for _, step := range steps {
		if !step.ToDo() {
			continue
		}
		repository := step.Destination.Repository
		at, known := index[repository]
		if repository == nil || !known {
			at = len(all)
			all = append(all, nil)
			index[repository] = at
		}
		all[at] = append(all[at], step)
	}
	return all
}

// known is what has been learnt of a destination repository.
type known struct {
	fresh   bool                     // it does not exist
	tags    map[string]bool          // its tags; nil: not listed
	digests map[string]digest.Digest // of those tags, where the registry lists them too
}

// lacks reports whether the destination certainly has no such tag or digest.
func (k known) lacks(identifier string) bool {
	if k.fresh {
		return true
	}
	_, err := digest.Parse(identifier)
	return err != nil && k.tags != nil && !k.tags[identifier]
}

// worthListing is the number of steps from which on the tags of a destination
// repository are listed without asking for one of them first: in a list of so
// many, one more request is lost in the noise, and the list may have digests.
const worthListing = 20

func (c *comparison) shelf(ctx context.Context, steps []*Step) {
	var k known
	rest := steps
	switch repository := steps[0].Destination.Repository; {
	case repository == nil:
	case len(steps) >= worthListing:
		k = c.learn(ctx, steps)
	default:
		first := steps[indexOfOther(steps)]
		if c.under.Acquire(ctx, 1) != nil {
			return
		}
		c.step(ctx, first, known{})
		c.under.Release(1)
		if first.Result.PreviousDigest == "" && first.Result.Status != report.Unchanged {
			var group sync.WaitGroup
			group.Go(func() { c.readAhead(ctx, first) })
			k = c.learn(ctx, steps)
			first.Fresh = k.fresh
			group.Wait()
		}
		rest = slices.DeleteFunc(slices.Clone(steps), func(step *Step) bool { return step == first })
	}
	for _, step := range steps {
		if needed := step.Needs; needed != nil && needed.Itself && k.lacks(identifier(step.Destination)) {
			needed.read = true
		}
	}
	var group sync.WaitGroup
	for _, step := range rest {
		// Only then is there a goroutine: there may be many steps.
		if c.under.Acquire(ctx, 1) != nil {
			break
		}
		group.Go(func() {
			defer c.under.Release(1)
			c.step(ctx, step, k)
		})
	}
	group.Wait()
}

// readAhead reads the manifest of a step that is certainly to be copied, while
// the tags of its destination are listed.
func (c *comparison) readAhead(ctx context.Context, step *Step) {
	source, d := step.Source.Repository, step.Result.SourceDigest
	if !step.ToDo() || c.ReadOnly || len(c.Destinations) > 1 || source == nil || d == "" || step.Result.Action != report.Copy {
		return
	}
	if m, err := source.Manifest(ctx, d.String()); err == nil { // else the run will say why
		step.Manifest = &m
	}
}

// indexOfOther is that of the first step that may find its tag missing, or 0.
func indexOfOther(steps []*Step) int {
	return max(slices.IndexFunc(steps, func(step *Step) bool { return !step.Itself }), 0)
}

// learn lists the destination repository's tags, once however many sources have
// steps for it. Not being able to is no failure: then every tag is asked for.
// Some registries answer for a repository that does not exist as for one
// without tags; only images by digest can be in the latter.
func (c *comparison) learn(ctx context.Context, steps []*Step) known {
	repository := steps[0].Destination.Repository
	tags, err := c.lists.tags(ctx, repository)
	if fault.Is(err, fault.NotFound) {
		return known{fresh: true}
	}
	if err != nil {
		return known{}
	}
	byDigest := func(step *Step) bool { return step.Destination.Digested() != "" }
	k := known{
		fresh: len(tags) == 0 && !slices.ContainsFunc(steps, byDigest),
		tags:  make(map[string]bool, len(tags)), digests: repository.Digests(ctx),
	}
	for _, tag := range tags {
		k.tags[tag] = true
	}
	return k
}

// step compares one step.
func (c *comparison) step(ctx context.Context, step *Step, k known) {
	step.Fresh = k.fresh
	if (step.read || k.lacks(identifier(step.Destination))) && c.needsNoLook(step) {
		return
	}
	if step.Itself {
		c.itself(ctx, step)
		return
	}
	var group sync.WaitGroup
	var sourceErr, destinationErr error
	group.Go(func() { sourceErr = c.source(ctx, step) })
	if there, listed := k.digests[identifier(step.Destination)]; listed {
		step.Result.PreviousDigest = there
	} else if !k.lacks(identifier(step.Destination)) {
		group.Go(func() { destinationErr = c.destination(ctx, step) })
	}
	group.Wait()
	switch {
	case ctx.Err() != nil:
	case sourceErr != nil:
		step.Fail(step.atSource(sourceErr))
	case destinationErr != nil:
		step.Fail(step.atDestination(destinationErr))
	case step.Wanted.Digest != "" && step.Wanted.Digest == step.Result.PreviousDigest:
		c.inPlace(ctx, step)
	case c.ReadOnly && c.Copier != nil:
		if err := c.Copier.Vouch(ctx, step.request()); err != nil {
			step.Fail(step.atSource(err))
		}
	}
}

// inPlace ends a step whose destination has the image, unless that lacks
// signatures, or the policy does not admit what is there.
func (c *comparison) inPlace(ctx context.Context, step *Step) {
	complete, err := true, error(nil)
	if c.Copier != nil {
		complete, err = c.Copier.Complete(ctx, step.request())
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		step.Fail(step.atSource(err))
	case !complete:
		step.InPlace, step.Result.Reason = true, "signatures are missing"
	default:
		step.Result.Status, step.Result.Verified = report.Unchanged, true
		step.Result.PreviousDigest = ""
	}
}

// itself looks at the one image that is both source and destination.
func (c *comparison) itself(ctx context.Context, step *Step) {
	there, err := image.Look(ctx, step.Destination)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		step.Fail(step.atSource(err))
	default:
		step.Wanted, step.Result.SourceDigest = there, there.Digest
		c.inPlace(ctx, step)
		if step.Result.Status == report.Unchanged {
			step.Confirm(there)
		}
	}
}

// needsNoLook reports whether a step whose destination is not there yet, or is
// its source, can be left to the run as it is: that reads the source in any
// case, and there is nobody to whom its digest has to be told before.
func (c *comparison) needsNoLook(step *Step) bool {
	if c.ReadOnly || len(c.Destinations) > 1 || step.Source.Repository == nil || step.pin != "" || step.referrers {
		return false
	}
	if step.Destination.Digested() != "" && !step.Selection.All() {
		return false // it has to be seen whether it keeps the digest
	}
	if sameRepository(step) && step.Selection.All() && !c.Converts && !step.Itself {
		step.Result.Action = report.Retag
	}
	return true
}

func identifier(l image.Location) string {
	if l.Repository == nil {
		return ""
	}
	return l.Identifier()
}

// source finds out what is wanted at the destination.
func (c *comparison) source(ctx context.Context, step *Step) error {
	look := func() found { return lookAt(ctx, step, c.Cache) }
	if len(c.Destinations) > 1 {
		look = c.looks.once(step, look)
	}
	source := look()
	if source.err != nil {
		return source.err
	}
	if step.pin != "" && step.pin != source.digest {
		return fault.New(fault.Conflict, fmt.Errorf("the tag has moved: it is pinned to %s and names %s", step.pin, source.digest))
	}
	if err := fitsItsName(step, source.choice.Digest); err != nil {
		return err
	}
	step.Result.SourceDigest, step.Result.Platforms = source.digest, source.choice.Platforms
	step.Result.MediaType = source.choice.MediaType
	if c.Converts || keepsNoDigest(step) {
		return nil
	}
	step.Wanted, step.Result.Digest = source.choice.Descriptor, source.choice.Digest
	if sameRepository(step) && source.choice.Digest == source.digest {
		step.Result.Action = report.Retag
	}
	return nil
}

// fitsItsName refuses what would be pushed by a digest that it does not have,
// which no registry takes.
func fitsItsName(step *Step, chosen digest.Digest) error {
	name := step.Destination.Digested()
	if name == "" || chosen == name {
		return nil
	}
	remedy := fmt.Sprintf("give it a tag with tags: {%q: [TAG]}", name)
	if step.Selection.System != nil {
		remedy = "take all of it with --all"
	}
	return fault.WithRemedy(fault.Input,
		fmt.Errorf("what is chosen of the index has another digest, %s, and cannot be pushed by this one", chosen), remedy)
}

// sameRepository reports whether all that the destination needs is there.
func sameRepository(step *Step) bool {
	source, destination := step.Source.Repository, step.Destination.Repository
	return source != nil && destination != nil && source.Same(destination)
}

// sameImage reports whether both sides are one reference.
func sameImage(step *Step) bool {
	return sameRepository(step) && step.Source.Identifier() == step.Destination.Identifier()
}

// keepsNoDigest reports whether the destination keeps images in a format of its
// own, or the source gives one that no registry has seen.
func keepsNoDigest(step *Step) bool {
	return step.Source.Single() || step.Destination.Single() || step.Source.Repository == nil && step.Selection.System != nil
}

// destination finds out what is there now. Being refused the read is no
// failure: an account that may push need not be allowed to read what is not
// there yet, and the write will tell.
func (c *comparison) destination(ctx context.Context, step *Step) error {
	if err := image.Writable(step.Destination); err != nil && !c.KeepDirectories {
		return err
	}
	there, err := image.Look(ctx, step.Destination)
	switch {
	case err == nil:
		step.Result.PreviousDigest = there.Digest
		if c.KeepDirectories && step.Destination.Reference.Transport().Name() == "dir" {
			return refuseOverwriting(step.Destination)
		}
		return nil
	case fault.Is(err, fault.NotFound):
		if c.KeepDirectories && step.Destination.Reference.Transport().Name() == "dir" {
			return refuseOverwriting(step.Destination)
		}
		return nil
	case step.Destination.Repository != nil && (fault.Is(err, fault.Unauthorized) || fault.Is(err, fault.Denied)):
		step.refused = err
		return nil
	}
	return err
}

// refuseOverwriting is skopeo's check of a directory.
func refuseOverwriting(l image.Location) error {
	path := l.Reference.StringWithinTransport()
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return fault.New(fault.Conflict, fmt.Errorf("Refusing to overwrite destination directory %q", path))
}
