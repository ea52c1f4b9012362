package spec

import (
	"fmt"

	"csync/sync/fault"
)

// findings are the mistakes of one input, which may be several files, sorted
// by what they cost in its mode.
type findings struct {
	mode     Mode
	errors   Problems // the input is refused
	problems Problems // an entry is left out
	warnings Problems
	manifest bool // it is of cip's
	stopped  bool // reading ended early, what follows from that is no mistake
}

// refuse says that the input cannot be used at all.
func (f *findings) refuse(at Position, format string, args ...any) {
	f.add(&f.errors, Problem{at, fmt.Sprintf(format, args...)})
}

// reject says that an entry cannot be used.
func (f *findings) reject(at Position, format string, args ...any) {
	f.add(f.unlessLenient(&f.problems), Problem{at, fmt.Sprintf(format, args...)})
}

// doubt says that something can be used but hardly is what was meant.
func (f *findings) doubt(at Position, format string, args ...any) {
	f.add(f.unlessLenient(&f.warnings), Problem{at, fmt.Sprintf(format, args...)})
}

// warn says that something can be used, and that it may not be what was meant.
func (f *findings) warn(at Position, format string, args ...any) {
	f.add(&f.warnings, Problem{at, fmt.Sprintf(format, args...)})
}

func (f *findings) unlessLenient(list *Problems) *Problems {
	if f.mode == Lenient {
		return list
	}
	return &f.errors
}

func (f *findings) add(list *Problems, problem Problem) {
	if !f.stopped {
		*list = append(*list, problem)
	}
}

// rejects reports whether read finds an entry that cannot be used.
func (f *findings) rejects(read func()) bool {
	before := len(f.errors) + len(f.problems)
	read()
	return len(f.errors)+len(f.problems) > before
}

// file is what name asks for, or all that is wrong with it.
func (f *findings) file(name string, sources []Source) (*File, error) {
	sources = f.union(sources)
	if len(f.errors) > 0 {
		return nil, fault.New(fault.Input, f.errors.sorted())
	}
	if len(sources)+len(f.problems) == 0 {
		f.warn(Position{File: name}, "nothing is asked for")
	}
	return &File{
		Name:     name,
		Sources:  sources,
		Manifest: f.manifest,
		Warnings: f.warnings.sorted(),
		Problems: f.problems.sorted(),
	}, nil
}
