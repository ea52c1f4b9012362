package plan

import (
	"context"
	"slices"
	"sync"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/spec"
)

// task is one repository of the source file, and where its images go.
type task struct {
	source       spec.Source
	repository   spec.Repository
	destinations []image.Place
}

// repositories makes the steps of every repository, in the order of the file,
// and compares those of one while the tags of others are still listed.
func (c *comparison) repositories(ctx context.Context) ([]*Step, []Holding) {
	tasks, steps := c.tasks()
	made := make([][]*Step, len(tasks))
	held := make([][]Holding, len(tasks))
	var group sync.WaitGroup
	for i, task := range tasks {
		leave := c.enter(ctx)
		group.Go(func() {
			made[i], held[i] = c.list(ctx, task)
			leave()
			c.compare(ctx, made[i])
		})
	}
	group.Wait()
	return append(steps, slices.Concat(made...)...), merge(slices.Concat(held...))
}

// tasks are the repositories of all sources, and a step for each destination
// that cannot be one.
func (r Request) tasks() (tasks []task, problems []*Step) {
	for _, source := range r.File.Sources {
		destinations, failed := r.destinations(source)
		problems = append(problems, failed...)
		for _, repository := range source.Repositories {
			tasks = append(tasks, task{source, repository, destinations})
		}
	}
	return tasks, problems
}

// list makes the steps of one repository for every destination, and says what
// each is to hold of it.
func (r Request) list(ctx context.Context, t task) ([]*Step, []Holding) {
	s := source{Repository: t.repository, several: len(t.destinations) > 1}
	path := r.Naming.path(t.repository)
	var chosen choice
	access := r.Access(t.source.Access)
	repository, err := r.Client.Source(t.repository.Name, access)
	if err == nil {
		s.registry = repository
		s.locate = func(identifier string) (image.Location, error) {
			return image.InRegistry(repository, identifier)
		}
		if s.NeedsTagList() { // else both sides are asked at once
			for _, place := range t.destinations {
				place.Connect(ctx, repository)
			}
		}
		chosen, err = s.choose(ctx, r.LatestBy)
	}
	var steps []*Step
	var held []Holding
	for _, place := range t.destinations {
		steps = append(steps, r.steps(s, chosen.wanted, place)...)
		held = append(held, r.holding(s, chosen, place, err))
		if err != nil {
			steps = append(steps, failed(s.String(), place.String()+"/"+path, fault.At(fault.Source, s.String(), err)).at(place))
		}
	}
	return refuseCollisions(steps), held
}

// images makes and compares the steps of the images that are in no registry.
func (c *comparison) images(ctx context.Context) []*Step {
	var steps []*Step
	for _, named := range c.Images {
		for _, place := range c.Destinations {
			name := named.Name
			if name.Tag != "" {
				name.Tag += c.Naming.Suffix
			}
			to, err := place.Location(name)
			if err != nil {
				steps = append(steps, failed(named.Location.String(), place.String()+"/"+name.String(), err).at(place))
				continue
			}
			step := newStep(named.Location, to).at(place)
			step.Selection = c.selection(nil, to)
			step.Format, step.several, step.Referrers = c.Format, len(c.Destinations) > 1, named.Referrers
			steps = append(steps, step)
		}
	}
	c.compare(ctx, steps)
	return steps
}
