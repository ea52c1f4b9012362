package spec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
)

// distinctTags has each tag once, where it is first, with the pin that any of
// its mentions has.
func (f *findings) distinctTags(tags []Tag) []Tag {
	first := map[string]int{}
	var distinct []Tag
	for _, tag := range tags {
		i, found := first[tag.Name]
		if !found {
			first[tag.Name] = len(distinct)
			distinct = append(distinct, tag)
			continue
		}
		there := &distinct[i]
		if tag.Pin != "" && there.Pin != "" && tag.Pin != there.Pin {
			f.reject(tag.Position, "tag %q is pinned to %s at %s; keep one of them", tag.Name, there.Pin, there.Position)
		}
		there.Pin = cmp.Or(there.Pin, tag.Pin)
	}
	return distinct
}

// distinctDigests has each digest once, where it is first, with the tags of all
// its mentions.
func distinctDigests(digests []Digest) []Digest {
	first := map[digest.Digest]int{}
	var distinct []Digest
	for _, d := range digests {
		i, found := first[d.Digest]
		if !found {
			i = len(distinct)
			first[d.Digest] = i
			distinct = append(distinct, Digest{Digest: d.Digest, Position: d.Position})
		}
		distinct[i].Tags = append(distinct[i].Tags, d.Tags...)
	}
	for i := range distinct {
		slices.Sort(distinct[i].Tags)
		distinct[i].Tags = slices.Compact(distinct[i].Tags)
	}
	return distinct
}

// joined has the elements of both lists once, sorted by their text.
func joined[T fmt.Stringer](a, b []T) []T {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(a.String(), b.String()) })
	return slices.CompactFunc(all, func(a, b T) bool { return a.String() == b.String() })
}
