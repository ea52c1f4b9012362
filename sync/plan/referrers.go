package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
)

// referrers makes steps of what refers to the images whose repository asks for
// it: OCI referrers (OCI distribution 1.1 §Listing Referrers) of the index and
// of its instances, what refers to those in turn, and cosign's tags. They are
// looked for whether or not the image itself is in place: signatures come later.
func (c *comparison) referrers(ctx context.Context, steps []*Step) []*Step {
	var wanting, made []*Step
	for _, step := range steps {
		switch {
		case !step.referrers || step.Result.SourceDigest == "" || step.Err != nil:
		case step.Destination.Repository == nil:
			made = append(made, failed(step.Result.Source, step.Result.Destination+" (referrers)", errNoReferrers))
		default:
			wanting = append(wanting, step)
		}
	}
	if len(wanting) == 0 {
		return made
	}
	found := make([][]*Step, len(wanting))
	var group errgroup.Group
	group.SetLimit(max(c.Jobs, 1))
	for i, step := range wanting {
		group.Go(func() error {
			var err error
			if found[i], err = c.referrersOf(ctx, step); err != nil {
				found[i] = []*Step{failed(step.Result.Source, step.Result.Destination+" (referrers)", step.atSource(err))}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	referrers := refuseCollisions(slices.DeleteFunc(slices.Concat(found...), asked(steps)))
	c.compare(ctx, referrers)
	return append(made, referrers...)
}

// maxReferrers bounds what may refer to one image, because a registry could name
// ever more.
const maxReferrers = 1000

// asked reports whether a step does what one of the others does already: a tag
// of cosign's may have been chosen like any other.
func asked(steps []*Step) func(*Step) bool {
	known := make(map[[2]string]bool, len(steps))
	for _, step := range steps {
		known[[2]string{step.Result.Source, step.Result.Destination}] = true
	}
	return func(step *Step) bool { return known[[2]string{step.Result.Source, step.Result.Destination}] }
}

// referrersOf walks from the image's digests to everything that refers to them.
func (c *comparison) referrersOf(ctx context.Context, step *Step) ([]*Step, error) {
	subjects, err := step.Selection.Subjects(ctx, step.Source.Repository, step.Result.SourceDigest.String())
	if err != nil {
		return nil, err
	}
	tags, err := c.lists.tags(ctx, step.Source.Repository)
	if err != nil {
		return nil, err
	}
	var steps []*Step
	seen := map[digest.Digest]bool{}
	for len(subjects) > 0 {
		subject := subjects[0]
		subjects = subjects[1:]
		if seen[subject] {
			continue
		}
		seen[subject] = true
		if len(seen) > maxReferrers {
			return nil, fault.New(fault.Unsupported, fmt.Errorf("more than %d manifests refer to the image, or to each other", maxReferrers))
		}
		for _, tag := range cosignTags(tags, subject) {
			steps = append(steps, beside(step, tag, ""))
		}
		referrers, err := step.Source.Repository.Referrers(ctx, subject)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		for _, referrer := range referrers {
			steps = append(steps, beside(step, "", referrer.Digest))
			subjects = append(subjects, referrer.Digest)
		}
	}
	return steps, nil
}

// cosignTags are the tags under which cosign keeps signatures, attestations and
// SBOMs of a digest.
func cosignTags(tags []string, subject digest.Digest) []string {
	prefix := strings.Replace(subject.String(), ":", "-", 1) + "."
	var found []string
	for _, tag := range tags {
		if strings.HasPrefix(tag, prefix) {
			found = append(found, tag)
		}
	}
	return found
}

// beside is the step that copies another manifest of the same repository.
func beside(step *Step, tag string, d digest.Digest) *Step {
	from, err := sibling(step.Source, tag, d)
	if err != nil {
		return failed(step.Result.Source, step.Result.Destination, step.atSource(err))
	}
	to, err := sibling(step.Destination, tag, d)
	if err != nil {
		return failed(from.String(), step.Result.Destination, step.atDestination(err))
	}
	return newStep(from, to)
}

func sibling(l image.Location, tag string, d digest.Digest) (image.Location, error) {
	var named reference.Named
	var err error
	if tag != "" {
		named, err = reference.WithTag(l.Repository.Name(), tag)
	} else {
		named, err = reference.WithDigest(l.Repository.Name(), d)
	}
	if err != nil {
		return image.Location{}, err
	}
	l.Reference, err = docker.NewReference(named)
	return l, err
}
