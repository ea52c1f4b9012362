package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// maxColumns is how many destinations fit beside each other. When there are
// more, each registry is one column, whatever the path.
const maxColumns = 8

// matrix is the results by source image and by destination.
type matrix struct {
	Columns []string // the common part of destinations, "docker://q.io/mirror"
	Rows    []row
}

// row is what became of one source image, one cell for each column.
type row struct {
	Image string
	Cells [][]entry
}

// entry is a result in its cell.
type entry struct {
	Result
	Name string // the part of the destination that row and column do not say
}

func newMatrix(results []Result) matrix {
	columns := columnsOf(results, column)
	place := column
	if len(columns) > maxColumns {
		place = registry
		columns = columnsOf(results, place)
	}
	rows := map[string]row{}
	for _, result := range results {
		image := cmp.Or(result.Source, result.Destination)
		if _, found := rows[image]; !found {
			rows[image] = row{Image: image, Cells: make([][]entry, len(columns))}
		}
		name := place(result)
		at, _ := slices.BinarySearch(columns, name)
		cell := &rows[image].Cells[at]
		*cell = append(*cell, entry{result, rest(result, name)})
	}
	m := matrix{Columns: columns}
	for _, image := range slices.Sorted(maps.Keys(rows)) {
		m.Rows = append(m.Rows, rows[image])
	}
	return m
}

// rest is what column leaves of the destination, or nothing if the source ends
// in the same words.
func rest(result Result, column string) string {
	name := strings.TrimLeft(strings.TrimPrefix(result.Destination, column), "/:")
	if strings.HasSuffix(result.Source, "/"+name) {
		return ""
	}
	return name
}

func columnsOf(results []Result, place func(Result) string) []string {
	columns := map[string]bool{}
	for _, result := range results {
		columns[place(result)] = true
	}
	return slices.Sorted(maps.Keys(columns))
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
