package plan

import (
	"context"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/registry"
)

// found is what a source has, and what of it is wanted.
type found struct {
	digest digest.Digest  // of the source's manifest
	choice content.Choice // without bytes
	made   digest.Digest  // what converting the choice has made of it; "": not known
	err    error
}

// asItIs is a manifest without any selection.
func asItIs(there v1.Descriptor, err error) found {
	return found{digest: there.Digest, choice: content.Choice{Manifest: registry.Manifest{Descriptor: there}}, err: err}
}

// lookAt reads as little of a step's source as tells what the selection wants
// of it: nothing, where its digest was listed with the tag.
func lookAt(ctx context.Context, step *Step, cache *Cache) found {
	remembered, known := cache.find(step)
	if known || step.Selection.All() {
		there := look(ctx, step)
		switch {
		case there.err != nil:
			return there
		case known && there.digest == remembered.Source:
			return remembered.found(step)
		case step.Selection.All():
			return there
		}
	}
	f := step.from.choose(ctx, step.Selection)
	if f.err == nil && step.Format == "" { // else a run tells what is made of it
		cache.keep(step, entryOf(f))
	}
	return f
}

// look is the source without any selection.
func look(ctx context.Context, step *Step) found {
	if step.listed.Digest != "" {
		return asItIs(step.listed, nil)
	}
	return asItIs(step.from.look(ctx))
}

// answers are to questions of one kind, by what each is about. Each is asked
// once, when somebody first wants to know, however many do.
type answers[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]func() (V, error)
}

func (a *answers[K, V]) get(about K, ask func() (V, error)) (V, error) {
	a.mu.Lock()
	if a.known == nil {
		a.known = map[K]func() (V, error){}
	}
	answer := a.known[about]
	if answer == nil {
		answer = sync.OnceValues(ask)
		a.known[about] = answer
	}
	a.mu.Unlock()
	return answer()
}

// looked is a source, and what is wanted of it.
type looked struct{ source, selection string }

// lookAt is lookAt, once for all destinations of a source.
func (c *comparison) lookAt(ctx context.Context, step *Step) found {
	if !step.several {
		return lookAt(ctx, step, c.Cache)
	}
	f, _ := c.looks.get(looked{step.Result.Source, step.Selection.Key()}, func() (found, error) {
		f := lookAt(ctx, step, c.Cache)
		return f, f.err
	})
	return f
}

// tags are all of a repository.
func (c *comparison) tags(ctx context.Context, r repository) ([]string, error) {
	return c.lists.get(r, func() ([]string, error) { return r.Tags(ctx) })
}
