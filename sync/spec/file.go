package spec

import (
	"csync/sync/registry/transport"
)

// Mode is how a file's mistakes are taken.
type Mode int

const (
	// Strict is the native form: any mistake, an unknown key too, refuses the
	// file.
	Strict Mode = iota
	// Lenient is the skopeo form: an unknown key is a warning, an entry that
	// cannot be used is a failure of its own, and the rest of the file is done.
	// Only syntax, a wrong type or a duplicate key refuses the file.
	Lenient
)

// File is what one input asks for. The order of everything in it is the same
// each time the input is read.
type File struct {
	Name     string   // as given to Load or LoadPath
	Sources  []Source // sorted by registry
	Manifest bool     // a cip manifest, or a directory of thin ones

	// Warnings tell what was read as it is and hardly was meant: what a lenient
	// reading passed over as skopeo does, and in either mode a digest that may
	// not come about, or that nothing is asked for.
	Warnings Problems
	// Problems are the entries that a lenient reading could not use and left
	// out of Sources. Each is something that was asked for and cannot be done.
	Problems Problems
}

// Source is a registry, or a namespace of one, with the repositories wanted
// from it.
type Source struct {
	Registry     string // host[:port][/namespace], as written
	Access       transport.Access
	Destinations []Destination // those the file names itself, sorted; none: the command line's
	Repositories []Repository  // sorted by name, none twice
	Position     Position
}

// Destination is a registry that a cip manifest promotes to.
type Destination struct {
	Registry string // host[:port][/path]
	Position Position
}
