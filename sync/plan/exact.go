package plan

import (
	"context"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/image"
)

// Exact is an image and the references that it is to have.
type Exact struct {
	Source image.Location
	// Platforms are the only ones wanted of an index; none: all.
	Platforms []v1.Platform
	// Referrers wants what refers to the image as well.
	Referrers    bool
	Destinations []Reference
}

// Reference is what an image is called at a place.
type Reference struct {
	Place image.Place
	Name  image.Name
}

// exact makes and compares the steps of images with names of their own. In a
// repository the first reference brings the image, and the others are further
// tags.
func (c *comparison) exact(ctx context.Context) []*Step {
	var steps []*Step
	for _, e := range c.Exact {
		steps = append(steps, c.references(e)...)
	}
	steps = refuseCollisions(steps)
	c.compare(ctx, steps)
	return steps
}

func (r Request) references(e Exact) []*Step {
	var steps, bringing []*Step
	for _, reference := range e.Destinations {
		step := r.reference(e, reference)
		steps = append(steps, step)
		if step.to == nil { // it cannot be one
			continue
		}
		first := inRepositoryOf(step, bringing)
		if first == nil {
			bringing = append(bringing, step)
		} else if step.Destination.Digested() == "" {
			step.Needs = first
			step.retag()
		}
	}
	for _, step := range bringing {
		step.several = len(bringing) > 1
	}
	return steps
}

// inRepositoryOf is the step that brings the image to the repository of another's
// destination, if there is one.
func inRepositoryOf(step *Step, bringing []*Step) *Step {
	for _, first := range bringing {
		if sameRepository(step.Destination, first.Destination) {
			return first
		}
	}
	return nil
}

func (r Request) reference(e Exact, reference Reference) *Step {
	shown := reference.Place.String() + "/" + reference.Name.String()
	to, err := reference.Place.Location(reference.Name)
	if err != nil {
		return failed(e.Source.String(), shown, fault.At(fault.Destination, shown, err)).at(reference.Place)
	}
	step := newStep(e.Source, to).at(reference.Place)
	step.Selection = r.selection(e.Platforms, to)
	step.Format, step.Referrers = r.Format, e.Referrers
	step.Itself = step.Selection.All() && step.Format == "" && step.within && e.Source.Identifier() == to.Identifier()
	return step
}
