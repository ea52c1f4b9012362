package spec

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"csync/sync/registry/transport"
)

// union sorts sources and their repositories and makes one of the repositories
// that have the same name and the same destinations.
func (f *findings) union(sources []Source) []Source {
	slices.SortStableFunc(sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Registry, b.Registry), cmp.Compare(a.destinations(), b.destinations()))
	})
	first := map[string]named{}
	for i := range sources {
		source := &sources[i]
		kept := source.Repositories[:0] // never moves, so that first can point into it
		for _, repository := range source.Repositories {
			identity := repository.Name.String() + " " + source.destinations()
			if there, found := first[identity]; found {
				f.merge(there, named{&repository, source.Access})
				continue
			}
			kept = append(kept, repository)
			first[identity] = named{&kept[len(kept)-1], source.Access}
		}
		source.Repositories = kept
	}
	for i := range sources {
		for j := range sources[i].Repositories {
			repository := &sources[i].Repositories[j]
			repository.Tags = f.distinctTags(repository.Tags)
			repository.Digests = distinctDigests(repository.Digests)
		}
		slices.SortFunc(sources[i].Repositories, func(a, b Repository) int {
			return cmp.Compare(a.Name.String(), b.Name.String())
		})
	}
	return slices.DeleteFunc(sources, func(s Source) bool { return len(s.Repositories) == 0 })
}

// named is a repository and how its source is reached.
type named struct {
	*Repository
	access transport.Access
}

// destinations identifies what a source's images go to.
func (s *Source) destinations() string {
	names := make([]string, len(s.Destinations))
	for i, destination := range s.Destinations {
		names[i] = destination.Registry
	}
	return strings.Join(names, " ")
}

// merge adds to the first repository of a name what another of that name wants.
// It cannot if the two differ in how that is to be done.
func (f *findings) merge(first, again named) {
	if first.access != again.access || !reflect.DeepEqual(first.settings(), again.settings()) {
		f.reject(again.Position, "%s is at %s already, with other credentials or settings; write it once",
			again.Name, first.Position)
		return
	}
	first.All = first.All || again.All
	first.Tags = append(first.Tags, again.Tags...)
	first.Digests = append(first.Digests, again.Digests...)
	first.Patterns = joined(first.Patterns, again.Patterns)
	first.Constraints = joined(first.Constraints, again.Constraints)
}

// settings are what two repositories must have in common to be one.
func (r *Repository) settings() any {
	exclude := make([]string, len(r.Exclude))
	for i, pattern := range r.Exclude {
		exclude[i] = pattern.String()
	}
	return []any{r.Platforms, exclude, r.Latest, r.Destination, r.DestinationTags, r.Referrers, r.Prune}
}
