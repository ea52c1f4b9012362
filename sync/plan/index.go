package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/report"
)

// Known is an image in a registry whose manifest has been read.
type Known struct {
	image.Location
	registry.Manifest
	// Kept reads the rest of it; nil: its location does.
	Kept content.Source
}

// Read reads an image in a registry. One that names another digest than pin, if
// that is not "", is a failure of the kind conflict.
func Read(ctx context.Context, l image.Location, pin digest.Digest) (Known, error) {
	there, ok := l.Shelf()
	if !ok {
		return Known{}, fault.At(fault.Source, l.String(), fault.New(fault.Input, errors.New("the image is neither in a registry nor in an OCI layout")))
	}
	m, err := there.Manifest(ctx, there.Identifier)
	if err == nil && pin != "" && pin != m.Digest {
		err = moved(pin, m.Digest)
	}
	return Known{Location: l, Manifest: m}, fault.At(fault.Source, l.String(), err)
}

// Identify has an image of one platform say which that is, as its config does, or
// where that names no variant as is wanted. One for another platform than the
// wanted, if that is not nil, is a failure of the kind conflict; what is no such
// image is one of the kind unsupported.
func (k *Known) Identify(ctx context.Context, wanted *v1.Platform) error {
	return k.identify(ctx, fault.Source, wanted)
}

func (k *Known) identify(ctx context.Context, side fault.Side, wanted *v1.Platform) error {
	from := k.Kept
	if from == nil {
		from, _ = k.Shelf()
	}
	platform, err := content.PlatformOf(ctx, from, k.Manifest)
	if err != nil {
		return fault.At(side, k.String(), err)
	}
	if wanted != nil {
		platform.Variant = cmp.Or(platform.Variant, wanted.Variant)
		if !content.Fits(*wanted, &platform) {
			return fault.At(side, k.String(), fault.New(fault.Conflict, fmt.Errorf("the image is for %s, and should be for %s",
				content.PlatformName(platform), content.PlatformName(*wanted))))
		}
	}
	k.Platform = &platform
	return nil
}

// Assembling is the step that writes an index of images that have said for which
// platforms they are, as [content.Assemble] makes it. The repository has to have
// them by then.
func Assembling(images []Known, mediaType string, to image.Location) (*Step, error) {
	var instances []v1.Descriptor
	var parts []Part
	for _, k := range images {
		instances = append(instances, k.Descriptor)
		parts = append(parts, Part{k.Location, k.Digest})
	}
	index, err := content.Assemble(instances, mediaType)
	if err != nil {
		return nil, fault.At(fault.Destination, to.String(), err)
	}
	return writing(report.Assemble, index, parts, to), nil
}

// Merging is the step that writes what [content.Merge] makes of an image and of
// what its destination names. The repository has to have the image by then, and
// the destination to name the same still when steps are compared. A destination
// that cannot be read is an error, unless there is nothing.
func Merging(ctx context.Context, source Known, to image.Location) (*Step, error) {
	old, err := readOver(ctx, &source, to)
	if err != nil {
		return nil, err
	}
	merged, err := content.Merge(source.Manifest, old)
	parts := []Part{{source.Location, source.Digest}}
	var kept []string
	for _, d := range merged.Kept {
		location, err := to.Beside(d.Digest.String())
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{location, d.Digest})
		if d.Platform != nil {
			kept = append(kept, content.PlatformName(*d.Platform))
		}
	}
	if err != nil {
		return nil, fault.At(fault.Destination, to.String(), err)
	}
	step := writing(report.Merge, merged.Manifest, parts, to)
	step.over, step.Result.SourceDigest = &old.Digest, source.Digest
	if len(kept) > 0 {
		step.Result.Reason = "with " + strings.Join(kept, ", ") + " of the destination's"
	}
	return step, nil
}

// readOver is what the destination names; without a digest if that is nothing.
// Where there is something to merge with, single images say for which platform
// they are.
func readOver(ctx context.Context, source *Known, to image.Location) (registry.Manifest, error) {
	there, _ := to.Shelf()
	m, err := there.Manifest(ctx, there.Identifier)
	switch {
	case fault.Is(err, fault.NotFound):
		return registry.Manifest{}, nil
	case err != nil:
		return m, fault.At(fault.Destination, to.String(), err)
	case m.Digest == source.Digest:
		return m, nil
	}
	old := Known{Location: to, Manifest: m}
	if !content.IsIndex(m.MediaType) {
		if err := old.identify(ctx, fault.Destination, nil); err != nil {
			return m, err
		}
	}
	if !content.IsIndex(source.MediaType) && source.Platform == nil {
		return old.Manifest, source.Identify(ctx, nil)
	}
	return old.Manifest, nil
}

// overtaken reports whether the destination names something else than what the
// step was made for.
func (s *Step) overtaken() bool { return s.over != nil && *s.over != s.Result.PreviousDigest }

var errOvertaken = fault.New(fault.Conflict, errors.New("somebody else has moved the tag since what it named was read"))
