package plan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/image"
	"csync/sync/spec"
)

// wanted is one image of a source repository and its tag at the destination.
type wanted struct {
	tag            string        // at the source; "" when digest alone names it
	digest         digest.Digest // at the source, for tag: the digest it is pinned to
	destinationTag string        // "" pushes by digest
	listed         digest.Digest // what the registry listed with the tag; "" where it did not
	further        bool          // another tag for what the wanted before it copies
	unmet          bool          // such a tag of what is not chosen
}

// source is one repository of the source file, with the way to it.
type source struct {
	spec.Repository
	registry repository
	locate   func(identifier string) (image.Location, error)
	several  bool // its images go to several destinations
}

// String is the repository as users write it.
func (s source) String() string { return "docker://" + reference.FamiliarName(s.Name) }

// location is an image of the repository.
func (s source) location(w wanted) (image.Location, error) {
	return s.locate(cmp.Or(w.tag, w.digest.String()))
}

// choice is what is wanted of a repository.
type choice struct {
	wanted   []wanted
	selected int // of the tags that the registry has listed
}

// choose lists the repository's tags if it must, and returns what is wanted of
// it: what is named, then what is selected, each once and in order.
func (s source) choose(ctx context.Context, order TagOrder) (choice, error) {
	var all []wanted
	seen := map[string]bool{}
	add := func(w wanted) {
		if seen[w.tag] {
			return
		}
		seen[w.tag] = true
		w.destinationTag = w.tag
		all = append(all, w)
		for _, further := range s.DestinationTags[w.tag] {
			w.destinationTag, w.further = further, true
			all = append(all, w)
		}
	}
	for _, tag := range s.Tags {
		add(wanted{tag: tag.Name, digest: tag.Pin})
	}
	for _, d := range s.Digests {
		all = append(all, byDigest(d)...)
	}
	if !s.NeedsTagList() {
		return choice{wanted: append(all, s.unmet(seen)...)}, nil
	}
	listed, err := s.selectListed(ctx, order)
	if err != nil {
		return choice{wanted: all}, err
	}
	digests := s.registry.Digests(ctx)
	for _, tag := range listed {
		add(wanted{tag: tag, listed: digests[tag]})
	}
	if len(all) == 0 {
		return choice{wanted: s.unmet(seen)}, ErrNothingSelected
	}
	return choice{append(all, s.unmet(seen)...), len(listed)}, nil
}

// unmet are the further tags of those tags that are not chosen, in order.
func (s source) unmet(chosen map[string]bool) []wanted {
	var all []wanted
	for _, tag := range slices.Sorted(maps.Keys(s.DestinationTags)) {
		if chosen[tag] {
			continue
		}
		for _, further := range s.DestinationTags[tag] {
			all = append(all, wanted{tag: tag, destinationTag: further, further: true, unmet: true})
		}
	}
	return all
}

// byDigest is an image named by digest: under its destination tags if it has
// any (the first carries the content), else by digest there too.
func byDigest(d spec.Digest) []wanted {
	if len(d.Tags) == 0 {
		return []wanted{{digest: d.Digest}}
	}
	var all []wanted
	for i, tag := range d.Tags {
		all = append(all, wanted{digest: d.Digest, destinationTag: tag, further: i > 0})
	}
	return all
}

// selectListed applies what the source file says about listed tags.
func (s source) selectListed(ctx context.Context, order TagOrder) ([]string, error) {
	tags, err := s.registry.Tags(ctx)
	if err != nil {
		return nil, fmt.Errorf("determining repository tags for repo %s: %w", s.Name.Name(), err)
	}
	selected := slices.DeleteFunc(tags, func(tag string) bool { return !s.Wants(tag) })
	slices.Sort(selected)
	if s.Latest == 0 || len(selected) <= s.Latest {
		return selected, nil
	}
	return s.latest(ctx, selected, order)
}
