package content

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Merged is what a destination is to name after a merge.
type Merged struct {
	registry.Manifest
	// Kept are those of its instances that only the destination had, in order.
	Kept []v1.Descriptor
}

// Merge adds to what a source is that of the destination which the source has no
// instance for. Two instances are for the same if their os, architecture,
// variant and os.version are. A single image has its platform in its
// descriptor ([PlatformOf] reads it); a destination that names nothing has no
// digest. One that could not be read is no such: there is nothing to merge with.
//
//	source        destination                 becomes
//	index         nothing                     the source
//	index         image for one of its        the source
//	index         image for another           the source's instances, and that image
//	index         index, no other platform    the source
//	index         index with others           the source's instances, then those others
//	image         nothing                     the source
//	image         image for the same          the source
//	image         image for another           an index of both, made as by Assemble
//	image         index with its platform     the destination with the source in that one's place
//	image         index without               the destination, and the source at its end
//	any           the same                    that
//
// What has no platform, an artifact, can be merged with nothing: a failure of
// the kind unsupported. What the merge does not change keeps its bytes: the
// source's where its entries are all that there is, the destination's where they
// were there already. Else an index has media type, annotations and order of the
// source's, or of the destination's where the source is none. Attestations go
// with the instance that they are about.
func Merge(source, destination registry.Manifest) (Merged, error) {
	merged, err := merge(source, destination)
	if err != nil {
		return Merged{}, fmt.Errorf("merging %s into %s: %w", source.Digest, destination.Digest, err)
	}
	return merged, nil
}

func merge(source, destination registry.Manifest) (Merged, error) {
	if destination.Digest == "" || destination.Digest == source.Digest {
		return Merged{Manifest: source}, nil
	}
	ours, err := entriesOf(source)
	if err != nil {
		return Merged{}, err
	}
	theirs, err := entriesOf(destination)
	if err != nil {
		return Merged{}, err
	}
	switch {
	case IsIndex(source.MediaType):
		return mergeInto(source, destination, ours, theirs)
	case IsIndex(destination.MediaType):
		return insert(destination, ours[0], theirs)
	}
	return pair(source, ours[0], theirs[0])
}

// mergeInto adds to an index what only the destination has.
func mergeInto(source, destination registry.Manifest, ours, theirs []entry) (Merged, error) {
	kept := others(theirs, ours)
	all := slices.Concat(ours, kept)
	switch {
	case len(kept) == 0:
		return Merged{Manifest: source}, nil
	case sameEntries(all, theirs) && IsIndex(destination.MediaType):
		return Merged{Manifest: destination, Kept: descriptors(kept)}, nil
	}
	m, err := withEntries(source, all)
	return Merged{Manifest: m, Kept: descriptors(kept)}, err
}

// insert gives an index one more image, in place of those for its platform.
func insert(index registry.Manifest, image entry, theirs []entry) (Merged, error) {
	kept := others(theirs, []entry{image})
	place := slices.IndexFunc(theirs, func(e entry) bool { return e.describes() == "" && e.key() == image.key() })
	if place >= 0 && theirs[place].Digest == image.Digest {
		return Merged{Manifest: index, Kept: descriptors(kept)}, nil
	}
	var all []entry
	for i, e := range theirs {
		if i == place {
			all = append(all, image)
		} else if slices.ContainsFunc(kept, e.same) {
			all = append(all, e)
		}
	}
	if place < 0 {
		all = append(all, image)
	}
	m, err := withEntries(index, all)
	return Merged{Manifest: m, Kept: descriptors(kept)}, err
}

// pair makes an index of two images that are not for the same platform.
func pair(source registry.Manifest, ours, theirs entry) (Merged, error) {
	if ours.key() == theirs.key() {
		return Merged{Manifest: source}, nil
	}
	m, err := Assemble([]v1.Descriptor{ours.Descriptor, theirs.Descriptor}, "")
	return Merged{Manifest: m, Kept: []v1.Descriptor{theirs.Descriptor}}, err
}

// entry is what an index says of an instance, as it is written there.
type entry struct {
	v1.Descriptor
	raw json.RawMessage
}

func (e entry) key() platformKey { return keyOf(e.Descriptor) }

func (e entry) same(o entry) bool {
	return e.Digest == o.Digest && reflect.DeepEqual(e.Descriptor, o.Descriptor) // most differ there already
}

// describes is the instance that BuildKit attests to with the entry; "" of the
// instances themselves.
func (e entry) describes() digest.Digest {
	if hasPlatform(e.Descriptor) {
		return ""
	}
	return digest.Digest(e.Annotations["vnd.docker.reference.digest"])
}

// entriesOf are those of an index, or the one that an image would be.
func entriesOf(m registry.Manifest) ([]entry, error) {
	if !IsIndex(m.MediaType) {
		return entryOf(m.Descriptor)
	}
	doc, err := parseDocument(m)
	if err == nil {
		err = new(bound).enter(m.Digest, 1, doc.Manifests)
	}
	if err != nil {
		return nil, err
	}
	spans, err := entrySpans(m.Bytes)
	if err == nil && (len(spans) != len(doc.Manifests) || len(spans) == 0) {
		err = errors.New("it lists nothing, or twice")
	}
	if err != nil {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: %w", m.Digest, err))
	}
	entries := make([]entry, len(spans))
	for i, s := range spans {
		entries[i] = entry{doc.Manifests[i], m.Bytes[s.start:s.end]}
	}
	return entries, nil
}

func entryOf(d v1.Descriptor) ([]entry, error) {
	if err := assemblable(d); err != nil {
		return nil, fault.New(fault.Unsupported, err)
	}
	d = bare(d)
	raw, err := json.Marshal(d)
	return []entry{{d, raw}}, err
}

// others are those of theirs for which ours have no instance, with what
// describes them.
func others(theirs, ours []entry) []entry {
	have, kept := map[platformKey]bool{}, map[digest.Digest]bool{}
	for _, e := range ours {
		have[e.key()] = true
	}
	stays := func(e entry) bool { return e.describes() == "" && !have[e.key()] }
	for _, e := range theirs {
		if stays(e) {
			kept[e.Digest] = true
		}
	}
	var left []entry
	for _, e := range theirs {
		if stays(e) || kept[e.describes()] {
			left = append(left, e)
		}
	}
	return left
}

func sameEntries(a, b []entry) bool {
	within := func(all, some []entry) bool {
		return !slices.ContainsFunc(some, func(e entry) bool { return !slices.ContainsFunc(all, e.same) })
	}
	return len(a) == len(b) && within(a, b) && within(b, a)
}

func descriptors(entries []entry) []v1.Descriptor {
	var all []v1.Descriptor
	for _, e := range entries {
		all = append(all, e.Descriptor)
	}
	return all
}

// withEntries is the index with other entries; every byte around them stays.
func withEntries(index registry.Manifest, entries []entry) (registry.Manifest, error) {
	spans, err := entrySpans(index.Bytes)
	if err != nil {
		return registry.Manifest{}, err
	}
	separator := []byte(",")
	if len(spans) > 1 {
		separator = index.Bytes[spans[0].end:spans[1].start]
	}
	bytes := slices.Clone(index.Bytes[:spans[0].start])
	for i, e := range entries {
		if i > 0 {
			bytes = append(bytes, separator...)
		}
		bytes = append(bytes, e.raw...)
	}
	bytes = append(bytes, index.Bytes[spans[len(spans)-1].end:]...)
	index.Digest, index.Size, index.Bytes = digest.FromBytes(bytes), int64(len(bytes)), bytes
	return index, nil
}
