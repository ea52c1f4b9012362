package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
)

// matrix is the results by image and by destination.
type matrix struct {
	From    string // what the names of all images begin with
	Columns []heading
	Rows    []row // what needs attention first
	Gated   bool  // a gate was asked about some of them
	// Promotion says that cells are of tags, index and label.
	Promotion bool
}

// heading is a column's: a registry, with the path that images have there.
type heading struct {
	Place, Path string
	Source      bool // what is there is the source itself
	Counts      []count
}

// row is what became of one image, one cell for each column.
type row struct {
	Name     string
	Status   Status // the worst of all
	Sources  []string
	Versions []version
	Gates    []Gate
	Cells    []cell
	Sums     Summary
	TimeMS   int64
}

// version is a manifest that results of a row speak of. The page has its whole
// digest once in a row, and its beginning elsewhere.
type version struct {
	Digest    digest.Digest
	Platforms []string
	Before    bool // it is only what a tag named before
}

func newMatrix(r *Report) matrix {
	promotion := r.isPromotion()
	images := images(r.Results, promotion)
	columns := columnsOf(images)
	m := matrix{Promotion: promotion, Columns: make([]heading, len(columns.names))}
	results := make([][]Result, len(columns.names))
	names := make([]string, 0, len(images))
	for _, image := range images {
		row := newRow(image, columns, promotion)
		names = append(names, image.Name)
		m.Rows = append(m.Rows, row)
		m.Gated = m.Gated || len(row.Gates) > 0
		for i := range row.Cells {
			results[i] = append(results[i], row.Cells[i].results...)
		}
	}
	for i, name := range columns.names {
		m.Columns[i] = newHeading(name, results[i])
	}
	m.shorten(names)
	slices.SortStableFunc(m.Rows, func(a, b row) int { return cmp.Compare(min(calm, a.Status.rank()), min(calm, b.Status.rank())) })
	return m
}

// calm is the rank from which on a status asks for nothing to be done.
const calm = 2

// shorten takes from the names of rows what all of them begin with.
func (m *matrix) shorten(names []string) {
	if len(names) == 0 {
		return
	}
	m.From = commonPath(names, 1)
	for i := range m.Rows {
		m.Rows[i].Name = strings.TrimPrefix(strings.TrimPrefix(m.Rows[i].Name, m.From), "/")
	}
	m.From = strings.TrimPrefix(m.From, "docker://")
}

func newHeading(name string, results []Result) heading {
	place, found := strings.CutPrefix(name, "docker://")
	h := heading{Place: place, Source: name != "", Counts: summarize(results).counts()}
	if found {
		h.Place, h.Path, _ = strings.Cut(place, "/")
	}
	for i := range results {
		h.Source = h.Source && inPlace(&results[i])
	}
	return h
}

func newRow(image image, columns columns, promotion bool) row {
	results := image.Results
	row := row{Name: image.Name, Status: worst(results), Cells: make([]cell, len(columns.names)), Sums: summarize(results)}
	for i := range results {
		result := &results[i]
		row.TimeMS += result.DurationMS
		if result.Source != "" && !slices.Contains(row.Sources, result.Source) {
			row.Sources = append(row.Sources, result.Source)
		}
		if result.Gate != nil && !slices.ContainsFunc(row.Gates, result.Gate.is) {
			row.Gates = append(row.Gates, *result.Gate)
		}
		row.note(version{Digest: result.Digest, Platforms: result.Platforms})
		at := &row.Cells[columns.at(*result)]
		at.results = append(at.results, *result)
	}
	for i := range results {
		row.note(version{Digest: results[i].SourceDigest})
		row.note(version{Digest: results[i].PreviousDigest, Before: true})
	}
	slices.Sort(row.Sources)
	for i := range row.Cells {
		row.Cells[i].fill(image.Name, columns.names[i], promotion)
	}
	return row
}

// note adds a version that the row does not have.
func (r *row) note(v version) {
	if v.Digest == "" {
		return
	}
	for i := range r.Versions {
		if known := &r.Versions[i]; known.Digest == v.Digest {
			if len(known.Platforms) == 0 {
				known.Platforms = v.Platforms
			}
			return
		}
	}
	r.Versions = append(r.Versions, v)
}

// Reused is the share of bytes that was there already, in percent.
func (r row) Reused() int64 {
	all := r.Sums.BytesReused + r.Sums.BytesWritten
	if all == 0 {
		return 0
	}
	return r.Sums.BytesReused * 100 / all
}

// Passed reports whether no gate has refused the image.
func (r row) Passed() bool {
	return !slices.ContainsFunc(r.Gates, func(g Gate) bool { return !g.Passed })
}

func (g *Gate) is(other Gate) bool {
	return g.Passed == other.Passed && g.Output == other.Output && slices.Equal(g.Command, other.Command)
}

// rank orders statuses: what needs attention is first.
func (s Status) rank() int {
	switch s {
	case RolledBack:
		return 1
	case Skipped:
		return calm
	case Planned:
		return 3
	case Done:
		return 4
	case Unchanged:
		return 5
	default: // what is not known must not pass for success
		return 0
	}
}

// worst is the status of the results that needs attention most.
func worst(results []Result) Status {
	found := Unchanged
	for i := range results {
		if status := results[i].Status; status.rank() < found.rank() {
			found = status
		}
	}
	return found
}
