package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
)

// referrers makes steps of what refers to the images whose repository asks for
// it: OCI referrers (OCI distribution 1.1 §Listing Referrers) of the index and
// of its instances, what refers to those in turn, and cosign's tags. They are
// looked for whether or not the image itself is in place: signatures come later.
func (c *comparison) referrers(ctx context.Context, steps []*Step) []*Step {
	var wanting, made []*Step
	for _, step := range steps {
		if !step.Referrers || step.SourceDigest == "" || step.Err != nil {
			continue
		}
		_, told := keptBy(step.from)
		_, keeps := keptBy(step.to)
		if told && keeps {
			wanting = append(wanting, step)
		} else {
			made = append(made, failed(step.Result.Source, step.Result.Destination+" (referrers)", errNoReferrers))
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

// referrersOf makes the steps of what refers to one image. Tags of signatures that
// come with what they sign are left out: copied by themselves, they would take the
// place of those that the destination has besides.
func (c *comparison) referrersOf(ctx context.Context, step *Step) ([]*Step, error) {
	source, _ := keptBy(step.from)
	about := subject{source.repository, step.SourceDigest, step.Selection.Key()}
	attached, err := c.attached.get(about, func() ([]string, error) { return c.attachedTo(ctx, step, source) })
	if err != nil || len(attached) == 0 {
		return nil, err
	}
	comes := false
	if c.Copier != nil {
		if comes, err = c.Copier.Attaches(step.request()); err != nil {
			return nil, err
		}
	}
	var steps []*Step
	for _, identifier := range attached {
		if !comes || !strings.HasSuffix(identifier, ".sig") {
			steps = append(steps, beside(step, identifier))
		}
	}
	return steps, nil
}

// subject is an image, and what is wanted of it.
type subject struct {
	repository
	digest    digest.Digest
	selection string
}

// attachedTo walks from the image's digests to everything that refers to them: the
// tags and digests of it.
func (c *comparison) attachedTo(ctx context.Context, step *Step, source kept) ([]string, error) {
	subjects, err := step.Selection.Subjects(ctx, source, step.SourceDigest.String())
	if err != nil {
		return nil, err
	}
	tags, err := c.tags(ctx, source.repository)
	if err != nil {
		return nil, err
	}
	var attached []string
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
		attached = append(attached, cosignTags(tags, subject)...)
		referrers, err := source.Referrers(ctx, subject)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		for _, referrer := range referrers {
			attached = append(attached, referrer.Digest.String())
			subjects = append(subjects, referrer.Digest)
		}
	}
	return attached, nil
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
func beside(step *Step, identifier string) *Step {
	from, err := step.Source.Beside(identifier)
	if err != nil {
		return failed(step.Result.Source, step.Result.Destination+" ("+identifier+")", step.atSource(err))
	}
	to, err := step.Destination.Beside(identifier)
	if err != nil {
		return failed(from.String(), step.Result.Destination+" ("+identifier+")", step.atDestination(err))
	}
	made := newStep(from, to).at(step.Place)
	made.Format, made.several = step.Format, step.several
	return made
}
