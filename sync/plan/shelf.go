package plan

import (
	"context"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/report"
)

// shelf is the steps of one destination repository.
type shelf struct {
	repository
	steps []*Step
}

// arrange groups the steps that are still to do by destination repository; alone
// are those that go elsewhere than to a registry.
func arrange(steps []*Step) (all []*shelf, alone []*Step) {
	index := map[repository]*shelf{}
	for _, step := range steps {
		if !step.ToDo() {
			continue
		}
		to, ok := step.to.(remote)
		if !ok {
			alone = append(alone, step)
			continue
		}
		at := index[to.repository]
		if at == nil {
			at = &shelf{repository: to.repository}
			index[to.repository] = at
			all = append(all, at)
		}
		at.steps = append(at.steps, step)
	}
	return all, alone
}

// known is what has been learnt of a destination repository.
type known struct {
	fresh   bool                     // it does not exist
	tags    map[string]bool          // its tags; nil: not listed
	digests map[string]digest.Digest // of those tags, where the registry lists them too
	held    map[digest.Digest]bool   // the same digests
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

// shelf compares the steps of one destination repository: where its first tag is
// missing, one tag list tells which others are.
func (c *comparison) shelf(ctx context.Context, s *shelf) {
	var k known
	var group sync.WaitGroup
	defer group.Wait()
	rest := s.steps
	if len(s.steps) >= worthListing {
		k = c.learn(ctx, s)
	} else {
		first := s.first()
		settle := c.step(ctx, first, known{})
		if first.Result.PreviousDigest == "" {
			var group sync.WaitGroup
			group.Go(func() { c.readAhead(ctx, first) })
			k = c.learn(ctx, s)
			first.Fresh = k.fresh
			group.Wait()
		}
		group.Go(settle)
		rest = slices.DeleteFunc(slices.Clone(s.steps), func(step *Step) bool { return step == first })
	}
	for _, step := range s.steps {
		if needed := step.Needs; needed != nil && needed.Itself && k.lacks(step.identifier()) {
			needed.read = true
		}
	}
	c.each(ctx, rest, k)
}

// first is the first of the steps that may find its tag missing, or the first.
func (s *shelf) first() *Step {
	return s.steps[max(slices.IndexFunc(s.steps, func(step *Step) bool { return !step.Itself }), 0)]
}

// readAhead reads the manifest of a step that is certainly to be copied, while
// the tags of its destination are listed.
func (c *comparison) readAhead(ctx context.Context, step *Step) {
	from, ok := step.from.(remote)
	if !ok || !step.ToDo() || c.ReadOnly || step.several || step.SourceDigest == "" || step.Action != report.Copy {
		return
	}
	if m, err := from.Manifest(ctx, step.SourceDigest.String()); err == nil { // else the run will say why
		step.Manifest = &m
	}
}

// learn lists the shelf's tags, once however many sources have steps for it. Not
// being able to is no failure: then every tag is asked for. Some registries
// answer for a repository that does not exist as for one without tags; only
// images by digest can be in the latter.
func (c *comparison) learn(ctx context.Context, s *shelf) known {
	tags, err := c.tags(ctx, s.repository)
	if fault.Is(err, fault.NotFound) {
		return known{fresh: true}
	}
	if err != nil {
		return known{}
	}
	byDigest := func(step *Step) bool { return digest.Digest(step.identifier()).Validate() == nil }
	k := known{
		fresh: len(tags) == 0 && !slices.ContainsFunc(s.steps, byDigest),
		tags:  make(map[string]bool, len(tags)), digests: s.Digests(ctx), held: map[digest.Digest]bool{},
	}
	for _, d := range k.digests {
		k.held[d] = true
	}
	for _, tag := range tags {
		k.tags[tag] = true
	}
	return k
}

// identifier is the tag or the digest that the step writes in a registry; ""
// elsewhere, where nothing is known to be lacking.
func (s *Step) identifier() string {
	to, _ := s.to.(remote)
	return to.identifier
}
