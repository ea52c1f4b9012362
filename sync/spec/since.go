package spec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"csync/sync/fault"
)

// LoadSince reads the cip manifest, or the directory of thin ones, at path, and
// keeps what it did not ask for yet at a commit of the git repository that it is
// in. The error has the kind input.
func LoadSince(ctx context.Context, path, ref string) (*File, error) {
	if path == "-" {
		return nil, fault.New(fault.Input, errors.New("standard input has no history; give the path of a manifest"))
	}
	now, err := LoadPath(path, Strict)
	if err != nil {
		return nil, err
	}
	if !now.Manifest {
		return nil, fault.New(fault.Input, fmt.Errorf("%s is not a manifest of cip, and only those are compared with what they were", path))
	}
	before, err := loadAt(ctx, path, ref)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading %s as of %s: %w", path, ref, err))
	}
	now.Sources = since(now.Sources, before)
	return now, nil
}

// promoted is what a manifest asks for: one tag, or none, of a digest at a
// destination.
type promoted struct{ source, destination, digest, tag string }

// since leaves of each source what is new, for every destination apart: those
// for which the same is new stay together.
func since(now, before []Source) []Source {
	known := map[promoted]bool{}
	for _, source := range before {
		for _, destination := range source.places() {
			for _, repository := range source.Repositories {
				for _, d := range repository.Digests {
					for _, tag := range tagsOf(d) {
						known[promoted{repository.Name.Name(), destination.Registry + "/" + repository.Destination, d.Digest.String(), tag}] = true
					}
				}
			}
		}
	}
	var left []Source
	for _, source := range now {
		left = append(left, source.newer(known)...)
	}
	return left
}

// places are the destinations; where the command line names them, one that
// stands for all.
func (s Source) places() []Destination {
	if len(s.Destinations) == 0 {
		return []Destination{{}}
	}
	return s.Destinations
}

// tagsOf are the tags that a digest gets: "" for none.
func tagsOf(d Digest) []string {
	if len(d.Tags) == 0 {
		return []string{""}
	}
	return d.Tags
}

// newer splits the source into those destinations for which the same is new.
func (s Source) newer(known map[promoted]bool) []Source {
	var parts []Source
	at := map[string]int{}
	for _, destination := range s.places() {
		repositories, key := s.newAt(destination, known)
		if len(repositories) == 0 {
			continue
		}
		if i, found := at[key]; found {
			parts[i].Destinations = append(parts[i].Destinations, destination)
			continue
		}
		part := s
		if part.Repositories = repositories; len(s.Destinations) > 0 {
			part.Destinations = []Destination{destination}
		}
		at[key] = len(parts)
		parts = append(parts, part)
	}
	return parts
}

// newAt is what is new at a destination; what is equal has an equal key.
func (s Source) newAt(destination Destination, known map[promoted]bool) (repositories []Repository, key string) {
	var words strings.Builder
	for _, repository := range s.Repositories {
		var digests []Digest
		for _, d := range repository.Digests {
			at := promoted{repository.Name.Name(), destination.Registry + "/" + repository.Destination, d.Digest.String(), ""}
			fresh := slices.DeleteFunc(slices.Clone(tagsOf(d)), func(tag string) bool {
				at.tag = tag
				return known[at]
			})
			if len(fresh) == 0 {
				continue
			}
			if d.Tags = fresh; fresh[0] == "" {
				d.Tags = nil
			}
			digests = append(digests, d)
			fmt.Fprintln(&words, repository.Name, d.Digest, fresh)
		}
		if repository.Digests = digests; len(digests) > 0 {
			repositories = append(repositories, repository)
		}
	}
	return repositories, words.String()
}
