package plan

import (
	"context"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/report"
)

// vouch fails a step that the policy would keep from being done.
func (c *comparison) vouch(ctx context.Context, step *Step) {
	if err := c.admitted(ctx, step); err != nil && ctx.Err() == nil {
		step.Fail(step.atSource(err))
	}
}

// admitted asks the policy about what the step writes: of what was made here, about
// what it is made of.
func (c *comparison) admitted(ctx context.Context, step *Step) error {
	if len(step.Parts) == 0 {
		return c.Copier.Vouch(ctx, step.request())
	}
	return step.VouchParts(ctx, c.Copier)
}

// lacksNothing reports whether nothing is missing of an image that is in place. Of
// what was made here only a signature can be.
func (c *comparison) lacksNothing(ctx context.Context, step *Step) (bool, error) {
	switch {
	case c.Copier == nil:
		return true, nil
	case step.Unsigned:
		return true, c.admitted(ctx, step)
	case len(step.Parts) == 0:
		return c.Copier.Complete(ctx, step.request())
	}
	return !c.Signs, step.VouchParts(ctx, c.Copier)
}

// there reports whether the destination has the manifest, if that is known.
func (s *Step) there(d digest.Digest) bool { return d != "" && d == s.Result.PreviousDigest }

// inPlace ends a step whose destination has the image, unless that lacks
// signatures, or the policy does not admit what is there.
func (c *comparison) inPlace(ctx context.Context, step *Step) {
	complete, err := c.lacksNothing(ctx, step)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		step.Fail(step.atSource(err))
	case !complete && step.Format != "": // is converted once more
	case !complete:
		step.InPlace, step.Result.Reason = true, "signatures are missing"
	default:
		if step.made != "" {
			step.Wanted = step.made
			step.Reach(v1.Descriptor{Digest: step.made, MediaType: step.Result.MediaType})
		}
		step.Result.Status, step.Result.Verified = report.Unchanged, true
		step.Result.PreviousDigest = ""
	}
}

// itself looks at the one image that is both source and destination.
func (c *comparison) itself(ctx context.Context, step *Step) (settle func()) {
	there, err := step.to.look(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		step.Fail(step.atSource(err))
	case step.pin != "" && step.pin != there.Digest:
		step.Fail(step.atSource(moved(step.pin, there.Digest)))
	default:
		step.SourceDigest, step.Wanted = there.Digest, there.Digest
		step.Result.SourceDigest, step.Result.PreviousDigest = there.Digest, there.Digest
		return func() {
			c.inPlace(ctx, step)
			if step.Result.Status == report.Unchanged {
				step.Confirm(there)
			}
		}
	}
	return func() {}
}
