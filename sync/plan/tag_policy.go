package plan

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/image"
)

// attachment is a tag under which cosign and the referrers' tag schema (OCI
// distribution 1.1 §Referrers Tag Schema) keep what refers to an image: it moves
// whenever there is more of that.
var attachment = regexp.MustCompile(`^sha(256-[0-9a-f]{64}|512-[0-9a-f]{128})(\.[a-z]+)?$`)

// fixed reports whether the image that a step's destination has has to stay the
// one that it is. What keeps images in a format of its own is left out: its
// digests do not tell whether an image is another.
func (r Request) fixed(step *Step) bool {
	tag := tagOf(step.Destination)
	digested := strings.Contains(tag, "@") || digest.Digest(tag).Validate() == nil
	return !digested && !r.TagPolicy.MayMove(tag) && !step.Destination.Single() && !attachment.MatchString(tag)
}

// tagOf is the end of a location's name that tells its images apart: the tag, or
// what stands in its place.
func tagOf(l image.Location) string {
	if _, inRegistry := l.Remote(); inRegistry {
		return l.Identifier()
	}
	name := l.Reference.StringWithinTransport()
	base := name[strings.LastIndexByte(name, '/')+1:]
	if path, sum, digested := strings.Cut(base, "@"); digested {
		return path + "@" + sum
	}
	return base[strings.LastIndexByte(base, ':')+1:]
}

// moves reports whether doing the step would move a tag that has to stay. Of
// what becomes another image on its way to a registry, only the run can tell.
func (s *Step) moves() bool {
	_, inRegistry := s.to.(remote)
	known := s.Wanted != "" || s.made != ""
	return s.Fixed && s.Result.PreviousDigest != "" && (known || !inRegistry)
}

// MayName says why the destination's tag must not be made to name a manifest, as
// far as planning has seen what it names. Where it was not allowed to, the tag is
// looked at once more: an account may be refused what only its writing creates.
func (s *Step) MayName(ctx context.Context, d digest.Digest) error {
	there := s.Result.PreviousDigest
	switch {
	case !s.Fixed:
		return nil
	case s.refused != nil:
		seen, err := s.to.look(ctx)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return fault.WithRemedy(fault.Policy, fmt.Errorf("the tag may not be moved, and cannot be seen: %w", err), remedyToMove)
		}
		there = seen.Digest
	}
	if there == "" || there == d {
		return nil
	}
	s.Result.PreviousDigest = there
	return s.mayNotMove(there, d)
}

const remedyToMove = "--tag-policy says which may"

func (s *Step) mayNotMove(there, wanted digest.Digest) error {
	if wanted == "" {
		return fault.WithRemedy(fault.Policy, fmt.Errorf("the tag names %s and may not be moved; what it would name is not known yet", there), remedyToMove)
	}
	return fault.WithRemedy(fault.Policy, fmt.Errorf("the tag names %s and may not be moved to %s", there, wanted), remedyToMove)
}
