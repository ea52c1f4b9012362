package report

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// image is everything that a report says of one image, in its order.
type image struct {
	Name    string // "openstack-base", or with its tag, "library/redis:7.4"
	Results []Result
}

// images are the results by image. What has a source or a destination in common
// is about one image; in a promotion, that is what has a repository in common.
func images(results []Result, promotion bool) []image {
	joined := union{}
	for i := range results {
		joined.join(nodes(&results[i], promotion))
	}
	groups := map[string]int{}
	var all []image
	for i := range results {
		root := joined.root(nodes(&results[i], promotion)[0])
		at, found := groups[root]
		if !found {
			at = len(all)
			groups[root] = at
			all = append(all, image{})
		}
		all[at].Results = append(all[at].Results, results[i])
	}
	for i := range all {
		all[i].Name = name(all[i].Results, promotion)
	}
	slices.SortStableFunc(all, func(a, b image) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// isPromotion reports whether tags of one repository belong together: those of
// a hash, the index made of them, and the label.
func (r *Report) isPromotion() bool {
	return r.Verb == "promote" || slices.ContainsFunc(r.Results, func(result Result) bool {
		return result.Action == Assemble || result.Action == Merge
	})
}

// nodes are the names by which a result is known, at least one. What has no
// source is known at other registries by the same path, or as in a promotion,
// where each has a namespace of its own, by the end of it.
func nodes(r *Result, promotion bool) []string {
	of := func(reference string) string { return reference }
	if promotion {
		of = repository
	}
	if r.Source != "" && r.Destination != "" {
		return []string{of(r.Source), of(r.Destination)}
	}
	if r.Source != "" {
		return []string{of(r.Source)}
	}
	if promotion {
		return []string{of(r.Destination), path.Base(of(r.Destination))}
	}
	return []string{pathOf(r.Destination)}
}

// name is the image's at its source, or at its destination if there is none.
func name(results []Result, promotion bool) string {
	best := &results[0]
	for i := range results {
		if r := &results[i]; r.Source != "" && (best.Source == "" || inPlace(best) && !inPlace(r)) {
			best = r
		}
	}
	switch {
	case best.Source == "" && promotion:
		return path.Base(repository(best.Destination))
	case best.Source == "":
		return pathOf(best.Destination)
	case promotion:
		return repository(best.Source)
	}
	return best.Source
}

// inPlace reports whether source and destination are one repository.
func inPlace(r *Result) bool { return repository(r.Source) == repository(r.Destination) }

// repository is a reference without its tag or digest.
func repository(reference string) string { return strings.Join(elements(reference), "/") }

// pathOf is a registry's reference without the registry, any other as it is.
func pathOf(reference string) string {
	if name, found := strings.CutPrefix(reference, "docker://"); found {
		_, below, _ := strings.Cut(name, "/")
		return cmp.Or(below, name)
	}
	return reference
}

// union tells which names stand for the same: each name's parent, the root's
// being itself.
type union map[string]string

func (u union) root(name string) string {
	for {
		parent, found := u[name]
		if !found || parent == name {
			return name
		}
		if above, found := u[parent]; found {
			u[name] = above // so that the way gets shorter
		}
		name = parent
	}
}

func (u union) join(names []string) {
	first := u.root(names[0])
	for _, name := range names[1:] {
		u[u.root(name)] = first
	}
}
