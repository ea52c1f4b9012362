package plan

import (
	"context"
	"fmt"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/image"
	"csync/sync/registry"
)

// found is what a source has, and what of it is wanted.
type found struct {
	digest digest.Digest  // of the source's manifest
	choice content.Choice // without bytes
	err    error
}

// lookAt reads as little of a step's source as tells what the selection wants
// of it: nothing, where its digest was listed with the tag.
func lookAt(ctx context.Context, step *Step, cache *Cache) found {
	source, selection := step.Source, step.Selection
	if source.Repository == nil || selection.All() {
		return asItIs(ctx, step)
	}
	if remembered, known := cache.find(step); known && selection.System == nil {
		if there := asItIs(ctx, step); there.err != nil || there.digest == remembered.Source {
			return remembered.found(there.err)
		}
	}
	m, err := source.Repository.Manifest(ctx, source.Identifier())
	if err != nil {
		return found{err: err}
	}
	choice, err := selection.Choose(ctx, source.Repository, m)
	choice.Bytes = nil // the run reads it again, and the plan may have many
	f := found{digest: m.Digest, choice: choice, err: err}
	if selection.System == nil {
		cache.keep(step, f)
	}
	return f
}

// asItIs is the source without any selection.
func asItIs(ctx context.Context, step *Step) found {
	if step.listed != "" {
		return found{digest: step.listed, choice: content.Choice{Descriptor: v1.Descriptor{Digest: step.listed}}}
	}
	there, err := image.Look(ctx, step.Source)
	return found{digest: there.Digest, choice: content.Choice{Descriptor: there}, err: err}
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
	known map[*registry.Repository]func() ([]string, error)
}

func (l *tagLists) tags(ctx context.Context, repository *registry.Repository) ([]string, error) {
	l.mu.Lock()
	if l.known == nil {
		l.known = map[*registry.Repository]func() ([]string, error){}
	}
	list := l.known[repository]
	if list == nil {
		list = sync.OnceValues(func() ([]string, error) { return repository.Tags(ctx) })
		l.known[repository] = list
	}
	l.mu.Unlock()
	return list()
}
