package report

import (
	"maps"
	"slices"
	"strings"
)

// maxColumns is how many destinations fit beside each other. When there are
// more, each registry is one column, whatever the path.
const maxColumns = 8

// columns are the columns of a matrix, and which of them a result is in.
type columns struct {
	names []string          // sorted
	of    map[string]string // the column of what column or registry says of a result
	place func(Result) string
}

// columnsOf are the places that images go to. Those of one registry are one
// column, unless an image goes to several of them.
func columnsOf(images []image) columns {
	c := columns{place: column, of: map[string]string{}}
	apart := map[string]bool{} // registries
	places := map[string][]string{}
	for _, image := range images {
		at := map[string]string{} // registry: place
		for _, result := range image.Results {
			place, host := column(result), registry(result)
			if before, found := at[host]; found && before != place {
				apart[host] = true
			}
			at[host] = place
			if _, found := c.of[place]; !found {
				c.of[place] = place
				places[host] = append(places[host], place)
			}
		}
	}
	for host, names := range places {
		if apart[host] {
			continue
		}
		for _, name := range names {
			c.of[name] = commonPath(names, 0)
		}
	}
	c.names = slices.Compact(slices.Sorted(maps.Values(c.of)))
	if len(c.names) > maxColumns {
		return c.byRegistry(slices.Collect(maps.Keys(places)))
	}
	return c
}

func (columns) byRegistry(hosts []string) columns {
	c := columns{place: registry, of: map[string]string{}, names: slices.Sorted(slices.Values(hosts))}
	for _, host := range hosts {
		c.of[host] = host
	}
	return c
}

// at is the column of a result.
func (c columns) at(r Result) int {
	i, _ := slices.BinarySearch(c.names, c.of[c.place(r)])
	return i
}

// column is the part of a destination that other images share with it. In a
// registry or a directory that is the path without what it has in common with
// the end of the source's path, elsewhere the file or the store.
func column(result Result) string {
	transport, name, _ := strings.Cut(result.Destination, ":")
	switch transport {
	case "docker":
		return transport + ":" + parent(name, result.Source, 3) // "", "", host
	case "dir":
		return transport + ":" + parent(name, result.Source, 1)
	case "oci", "oci-archive", "docker-archive":
		file, _, _ := strings.Cut(name, ":")
		return transport + ":" + file
	default:
		return transport
	}
}

// parent is the path of destination without the elements at its end that
// source has too, or without the last one; at least keep elements are left.
func parent(destination, source string, keep int) string {
	path := elements(destination)
	common := min(max(1, commonEnd(path, elements(source))), max(0, len(path)-keep))
	return strings.Join(path[:len(path)-common], "/")
}

// registry is the column of a destination by its registry alone.
func registry(result Result) string {
	name, found := strings.CutPrefix(result.Destination, "docker://")
	if !found {
		return column(result)
	}
	host, _, _ := strings.Cut(name, "/")
	return "docker://" + host
}

// elements are the parts of a path, without tag and digest.
func elements(name string) []string {
	name, _, _ = strings.Cut(name, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name = name[:colon]
	}
	return strings.Split(name, "/")
}

// commonEnd is how many elements a and b have in common, counted from the end.
func commonEnd(a, b []string) int {
	n := 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// commonPath is the path that all names begin with; the last elements of each,
// as many as beyond, are no part of it.
func commonPath(names []string, beyond int) string {
	common := strings.Split(names[0], "/")
	common = common[:max(0, len(common)-beyond)]
	for _, name := range names[1:] {
		path := strings.Split(name, "/")
		path = path[:max(0, len(path)-beyond)]
		n := 0
		for n < min(len(common), len(path)) && common[n] == path[n] {
			n++
		}
		common = common[:n]
	}
	return strings.Join(common, "/")
}
