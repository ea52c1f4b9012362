package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in an input file. Line and Column count from 1; they are
// 0 where the problem is with the file as a whole.
type Position struct {
	File         string
	Line, Column int
}

// String reads "FILE:LINE:COLUMN", or "FILE" for the file as a whole.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one mistake of an input file: what is wrong and what was meant.
// Its text holds no secret.
type Problem struct {
	Position
	Text string
}

// String reads "FILE:LINE:COLUMN: what; what was meant".
func (p Problem) String() string { return p.Position.String() + ": " + p.Text }

// Problems are all mistakes of an input, sorted by position, none twice.
type Problems []Problem

// Error gives one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders problems by position and drops what was found twice, as an
// alias makes possible.
func (ps Problems) sorted() Problems {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Text, b.Text),
		)
	})
	return slices.Compact(ps)
}
