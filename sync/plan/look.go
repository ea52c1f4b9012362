package plan

import (
	"context"
	"fmt"
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

// looks remembers what was found.
type looks struct {
	mu    sync.Mutex
	known map[string]func() found
}

func newLooks() *looks { return &looks{known: map[string]func() found{}} }

// once is look, called at most once for steps with the same source and
// selection.
func (l *looks) once(step *Step, look func() found) func() found {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprint(step.Result.Source, step.Selection.Platforms, step.Selection.System)
	if l.known[key] == nil {
		l.known[key] = sync.OnceValue(look)
	}
	return l.known[key]
}

// tagLists reads the tags of each repository once, when they are first asked
// for.
type tagLists struct {
	mu    sync.Mutex
	known map[repository]func() ([]string, error)
}

func (l *tagLists) tags(ctx context.Context, r repository) ([]string, error) {
	l.mu.Lock()
	if l.known == nil {
		l.known = map[repository]func() ([]string, error){}
	}
	list := l.known[r]
	if list == nil {
		list = sync.OnceValues(func() ([]string, error) { return r.Tags(ctx) })
		l.known[r] = list
	}
	l.mu.Unlock()
	return list()
}
