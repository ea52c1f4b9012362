package plan

import (
	"context"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/report"
)

// named is the digest of what the step brings, where its source is named by
// that and stays as it is; "" elsewhere.
func (s *Step) named() digest.Digest {
	from, ok := s.from.(remote)
	if !ok || !s.Selection.All() || s.Format != "" {
		return ""
	}
	d, err := digest.Parse(from.identifier)
	if err != nil {
		return ""
	}
	return d
}

// isThere notes that the destination names what the step names by digest, which
// takes no look at the source.
func (s *Step) isThere() {
	d := s.named()
	s.found(asItIs(v1.Descriptor{Digest: d, MediaType: s.Result.MediaType}, nil))
	s.want(d)
	if s.within {
		s.retag()
	}
}

// mayBeHeld reports whether the destination's repository may have under another
// name what the step is to tag, and it is not known yet.
func (s *Step) mayBeHeld() bool {
	_, inRegistry := s.to.(remote)
	return inRegistry && s.named() != "" && s.Destination.Digested() == "" && s.Action == report.Copy &&
		!s.Fresh && !s.Lacks && s.refused == nil
}

// held asks the destination's repository for the digest by which the step names
// its source, so that nobody else needs to. Not being told is no failure.
func (c *comparison) held(ctx context.Context, step *Step, k known) bool {
	d := step.named()
	if !step.Held && !k.held[d] {
		_, err := step.to.(remote).Resolve(ctx, d.String())
		step.Lacks = fault.Is(err, fault.NotFound)
		if err != nil {
			return false
		}
	}
	step.Held = true
	return true
}

// complete reports whether the image that the destination holds needs nothing
// but its tag. Where that is not known, copying tells.
func (c *comparison) complete(ctx context.Context, step *Step) bool {
	if c.Copier == nil {
		return true
	}
	request := step.request()
	request.There = step.named()
	complete, err := c.Copier.Complete(ctx, request)
	return err == nil && complete
}

// bar fails the step because it may not have its name.
func (s *Step) bar(err error) {
	s.barred = true
	s.Fail(s.atDestination(err))
}

// passOn lets another tag of an image bring it, where the one that was to do that
// may not have its name: what is wrong with one tag is not with the others.
func passOn(steps []*Step) {
	heirs := map[*Step]*Step{}
	for _, step := range steps {
		needed := step.Needs
		if needed == nil || !needed.barred || !step.ToDo() {
			continue
		}
		if heir := heirs[needed]; heir != nil {
			step.Needs = heir
			continue
		}
		heirs[needed], step.Needs = step, nil
		if !step.within || !step.Selection.All() || step.Format != "" {
			step.Action, step.Result.Action = report.Copy, report.Copy
		}
	}
}
