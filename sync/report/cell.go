package report

import (
	"fmt"
	"slices"
	"strings"
)

// cell is what became of an image at one destination.
type cell struct {
	Parts   []part
	Entries []entry
	results []Result
}

// part is what a cell shows at first sight: what became of results of one kind.
type part struct {
	Name   string // "2 tags", "1 of 2 tags", "index", "label", or what was done
	Status Status
	Unsaid bool // the name does not say the status
}

// Status is the worst of a cell.
func (c cell) Status() Status { return worst(c.results) }

// entry is a result in its cell.
type entry struct {
	*Result
	Name string // what row and column do not say of the destination
}

// kind is what a result is to its image. In a cell they come in this order.
type kind int

const (
	contents kind = iota // under the tag of the source
	index                // made of others
	label                // another tag
	removal
)

func (r *Result) kind() kind {
	switch {
	case r.Action == Delete:
		return removal
	case r.Action == Assemble || r.Action == Merge:
		return index
	case r.Action == Retag && r.Source == "", r.renames():
		return label
	}
	return contents
}

// renames reports whether the destination has another tag than the source.
func (r *Result) renames() bool {
	if strings.Contains(r.Destination, "@") || r.Source == "" {
		return false
	}
	if inPlace(r) {
		return r.Source != r.Destination
	}
	return !strings.Contains(r.Source, "@") && tag(r.Source) != tag(r.Destination)
}

// tag is what follows the repository in a reference: a tag, a digest or nothing.
func tag(reference string) string {
	return strings.TrimLeft(strings.TrimPrefix(reference, repository(reference)), ":@")
}

// fill makes parts and entries of the results, of an image in a column.
func (c *cell) fill(image, column string, promotion bool) {
	slices.SortStableFunc(c.results, func(a, b Result) int { return int(a.kind() - b.kind()) })
	for first := 0; first < len(c.results); {
		kind, end := c.results[first].kind(), first
		for end < len(c.results) && c.results[end].kind() == kind {
			end++
		}
		c.Parts = append(c.Parts, newPart(kind, c.results[first:end], promotion))
		first = end
	}
	for i := range c.results {
		c.Entries = append(c.Entries, entry{&c.results[i], rest(c.results[i].Destination, column, image)})
	}
}

// rest is what column and image leave of a destination: the tag, and the path if
// the image is under another name there.
func rest(destination, column, image string) string {
	name := strings.TrimLeft(strings.TrimPrefix(destination, column), "/:")
	if tag := tag(destination); tag != "" && strings.HasSuffix(repository(image), "/"+repository(name)) {
		return tag
	}
	return name
}

func newPart(kind kind, results []Result, promotion bool) part {
	p := part{Status: worst(results)}
	bad := len(results)
	if p.Status.rank() < calm {
		bad = 0
		for i := range results {
			if results[i].Status == p.Status {
				bad++
			}
		}
	}
	switch {
	case kind == contents && promotion:
		p.Name = "tag"
	case kind == label && promotion:
		p.Name = "label"
	case kind == label:
		p.Name = "further tag"
	case kind == index:
		p.Name = "index"
	default:
		p.Name = results[0].outcome()
		if len(results) > 1 {
			p.Name += fmt.Sprintf(" %d", len(results))
		}
		return p
	}
	p.Unsaid = true
	p.Name = several(p.Name, bad, len(results))
	return p
}

// several is a number of things: "tag", "2 tags", "1 of 2 tags".
func several(name string, some, all int) string {
	switch {
	case all == 1:
		return name
	case strings.HasSuffix(name, "x"):
		name += "es"
	default:
		name += "s"
	}
	if some < all {
		return fmt.Sprintf("%d of %d %s", some, all, name)
	}
	return fmt.Sprintf("%d %s", all, name)
}

// outcome is what became of a result, in a word or two.
func (r *Result) outcome() string {
	if r.Status != Done {
		return r.Status.words()
	}
	switch r.Action {
	case Copy:
		return "copied"
	case Retag:
		return "retagged"
	case Assemble:
		return "assembled"
	case Merge:
		return "merged"
	case Delete:
		return "deleted"
	}
	return Failed.words()
}

// numbers are what a result took, without what is nothing.
func (r *Result) numbers() string {
	var said []string
	say := func(name string, bytes int64) {
		if bytes > 0 {
			said = append(said, Size(bytes)+" "+name)
		}
	}
	say("written", r.BytesWritten)
	say("reused", r.BytesReused)
	if r.DurationMS > 0 {
		said = append(said, duration(r.DurationMS))
	}
	if r.Attempts > 1 {
		said = append(said, fmt.Sprintf("%d attempts", r.Attempts))
	}
	if r.Status == Done && !r.Verified {
		said = append(said, "not verified")
	}
	return strings.Join(said, ", ")
}

// words are the status for people.
func (s Status) words() string {
	switch s {
	case Done, Planned, Skipped:
		return string(s)
	case Unchanged:
		return "in place"
	case RolledBack:
		return "rolled back"
	default:
		return "failed"
	}
}
