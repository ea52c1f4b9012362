package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.yaml.in/yaml/v3"
)

// further are the tags that an entry gives to a source tag besides its own, or
// to a digest.
type further struct {
	key  *yaml.Node
	tags []string
}

func (e *entry) readTags(node *yaml.Node) {
	all := map[string][]string{}
	for _, p := range e.pairs(node, "tags") {
		key, ok := e.word(p.key, "a source tag")
		if !ok || !e.isTagOrDigest(p.key, key) {
			continue
		}
		for element, word := range e.words(p.value, "the further tags of a source tag", "a tag") {
			if e.isTag(element, word) && !slices.Contains(all[key], word) {
				all[key] = append(all[key], word)
			}
		}
		if len(all[key]) > 0 {
			e.tags = append(e.tags, further{p.key, all[key]})
		}
	}
	e.set(func(repository *Repository) { repository.DestinationTags = maps.Clone(all) })
}

// checkTags rejects the tags of what none of the entry's repositories can
// choose. Where one can, the registries' lists tell.
func (s *sourceReader) checkTags(e *entry) {
	var usable []*Repository
	for _, key := range s.matching(e.glob) {
		if repository := s.repositories[key]; repository != nil {
			usable = append(usable, repository)
		}
	}
	for _, f := range e.tags {
		choosing := func(repository *Repository) bool { return repository.mayChoose(f.key.Value) }
		if len(usable) == 0 || slices.ContainsFunc(usable, choosing) {
			continue
		}
		s.reject(s.at(f.key), "%q is not one of those chosen from %q; nothing would be tagged %s",
			f.key.Value, e.glob.text, strings.Join(f.tags, ", "))
		for _, repository := range usable {
			delete(repository.DestinationTags, f.key.Value)
		}
	}
}

// mayChoose reports whether a tag or a digest is named, or would be chosen if
// the registry listed it.
func (r *Repository) mayChoose(reference string) bool {
	if hasDigestForm(reference) {
		return slices.ContainsFunc(r.Digests, func(d Digest) bool { return d.Digest.String() == reference })
	}
	return slices.ContainsFunc(r.Tags, func(tag Tag) bool { return tag.Name == reference }) || r.Wants(reference)
}

// tagDigests gives digests the tags that are meant for them, and warns of those
// that go without one where platforms may give an index another digest.
func (s *sourceReader) tagDigests(repository *Repository) {
	for i := range repository.Digests {
		d := &repository.Digests[i]
		d.Tags = append(d.Tags, repository.DestinationTags[d.Digest.String()]...)
		if len(repository.Platforms) > 0 && len(d.Tags) == 0 {
			s.warn(d.Position, "an index cut to platforms has another digest, and no registry takes it under this one; "+
				"give it a tag with csync.repositories.%s.tags: {%q: [TAG]}", repository.Key, d.Digest)
		}
	}
	maps.DeleteFunc(repository.DestinationTags, func(key string, _ []string) bool { return hasDigestForm(key) })
}

// hasDigestForm reports whether text is meant as a digest.
func hasDigestForm(text string) bool {
	algorithm, _, found := strings.Cut(text, ":")
	return found && digest.Algorithm(strings.ToLower(algorithm)).Available()
}

func (r *reader) isTagOrDigest(node *yaml.Node, text string) bool {
	if hasDigestForm(text) {
		return r.isDigest(node, text)
	}
	return r.isTag(node, text)
}
