package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"csync/sync/fault"
	"csync/sync/report"
)

// outputFlags say where a report goes.
type outputFlags struct {
	flags      *pflag.FlagSet
	format     string
	files      []string
	digestFile string
}

func (f *outputFlags) add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.StringVarP(&f.format, "output", "o", "", "write the report as json or text (default text on a terminal, else json)")
	flags.StringArrayVar(&f.files, "report", nil, "write the report to `FILE` as well; FILE.html is a page")
	flags.StringVar(&f.digestFile, "digestfile", "", "write digest and destination of every image in place to `FILE`")
}

// asked reports whether the user has chosen a format.
func (f *outputFlags) asked() bool { return f.flags.Changed("output") }

// check finds mistakes before anything is done. inputs are files that must not
// be written to.
func (f *outputFlags) check(inputs ...string) error {
	if f.format != "" && f.format != "json" && f.format != "text" {
		return fault.New(fault.Input, fmt.Errorf("--output %q is neither json nor text", f.format))
	}
	if err := f.checkFiles(inputs); err != nil {
		return fault.New(fault.Input, err)
	}
	return nil
}

// checkFiles refuses files that cannot be written, and those that are a file of
// the run already.
func (f *outputFlags) checkFiles(inputs []string) error {
	var taken []output
	for _, input := range inputs {
		taken = append(taken, output{"the source file", input})
	}
	for _, o := range f.outputs() {
		if err := o.check(); err != nil {
			return err
		}
		for _, other := range taken {
			if sameFile(o.path, other.path) {
				return fmt.Errorf("%s %s would overwrite %s %s", o.is, o.path, other.is, other.path)
			}
		}
		taken = append(taken, o)
	}
	return nil
}

// outputs are the files to be written.
func (f *outputFlags) outputs() []output {
	var all []output
	for _, file := range f.files {
		all = append(all, output{"--report", file})
	}
	if f.flags.Changed("digestfile") {
		all = append(all, output{"--digestfile", f.digestFile})
	}
	return all
}

// report writes the report everywhere it goes, and says with which code the
// program ends.
func (f *outputFlags) report(ctx context.Context, r *report.Report, out io.Writer) error {
	err := errors.Join(f.write(r, out), f.writeFiles(r))
	switch {
	case interrupted(ctx):
		return &exitError{code: exitInterrupted, err: err}
	case err != nil || r.Failed():
		return &exitError{code: exitFailures, err: err}
	}
	return nil
}

// interrupted reports whether a signal, not a time limit, has ended the run.
func interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled)
}

func (f *outputFlags) write(r *report.Report, out io.Writer) error {
	if f.format == "text" || f.format == "" && isTerminal(out) {
		return r.WriteText(out)
	}
	return r.WriteJSON(out)
}

func (f *outputFlags) writeFiles(r *report.Report) error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, r.WriteFile(file))
	}
	if f.digestFile != "" {
		errs = append(errs, writeDigests(f.digestFile, r))
	}
	return errors.Join(errs...)
}

// writeDigests writes skopeo's digest file: a line for every image in place.
func writeDigests(path string, r *report.Report) error {
	if r.DryRun {
		return nil
	}
	var lines strings.Builder
	for _, result := range r.Results {
		if result.Status == report.Done || result.Status == report.Unchanged {
			fmt.Fprintf(&lines, "%s %s\n", result.Digest, result.Destination)
		}
	}
	if err := os.WriteFile(path, []byte(lines.String()), 0o644); err != nil {
		return fmt.Errorf("writing --digestfile: %w", err)
	}
	return nil
}

// lineWriter passes on whole lines, so that those of several images do not tear
// each other.
type lineWriter struct {
	mu   sync.Mutex
	out  io.Writer
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	end := bytes.LastIndexByte(w.rest, '\n') + 1
	_, err := w.out.Write(w.rest[:end])
	w.rest = append(w.rest[:0], w.rest[end:]...)
	return len(p), err
}
