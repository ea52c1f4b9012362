package main

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/report"
)

// skopeoFlagNames are those that only the skopeo form needs, because the native
// form has them by default or under another name.
var skopeoFlagNames = []string{"all", "scoped", "append-suffix", "preserve-digests", "keep-going", "digestfile", "format"}

func (f *syncFlags) addSkopeo(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.all, "all", "a", false, "take all instances of an index (the native form always does)")
	flags.BoolVar(&f.scoped, "scoped", false, "the same as --dest-path full")
	flags.StringVar(&f.suffix, "append-suffix", "", "append `SUFFIX` to every tag at the destination")
	flags.BoolVar(&f.preserveDigests, "preserve-digests", false, "fail rather than change a digest (the native form always does)")
	flags.BoolVar(&f.keepGoing, "keep-going", false, "go on after a failure (the native form always does)")
	flags.StringVarP(&f.format, "format", "f", "", "convert manifests to `FORMAT`: oci, v2s1 or v2s2")
}

// skopeo reports whether the command line is of the skopeo form: transports
// without a colon, and two arguments.
func (f *syncFlags) skopeo(args []string) bool {
	for _, name := range append(f.sources, f.destinations...) {
		if place(name) {
			return false
		}
	}
	return len(f.srcYAML) == 0 && (len(args) > 0 || len(f.sources)+len(f.destinations) > 0)
}

// runSkopeo is skopeo sync.
func (f *syncFlags) runSkopeo(c *cobra.Command, args []string) error {
	io := streamsOf(c)
	o, err := f.options(args, io)
	if len(args) != 2 { // which skopeo looks at first
		c.SetOut(io.err)
		return errors.Join(c.Help(), fatal(fault.New(fault.Input, errTwoArguments)))
	}
	if err != nil {
		return fatal(err)
	}
	form := job.Skopeo{
		From: last(f.sources), To: last(f.destinations), Source: args[0], Destination: args[1], All: f.all, KeepGoing: f.keepGoing,
	}
	if !f.output.asked() {
		o.CopyLog = &lineWriter{out: io.out}
	}
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	progress := showProgress(&o, io)
	r, err := job.RunSkopeo(ctx, o, form)
	progress.Close()
	return skopeoEnd(ctx, f.skopeoReport(r, io), err)
}

// skopeoReport writes what was asked for besides skopeo's own output.
func (f *syncFlags) skopeoReport(r *report.Report, io streams) error {
	if r == nil {
		return nil
	}
	err := f.output.writeFiles(r)
	if f.output.asked() {
		err = errors.Join(err, f.output.write(r, io.out))
	}
	return err
}

// skopeoEnd says with which code the program ends.
func skopeoEnd(ctx context.Context, writing, err error) error {
	var missing *job.NotFoundError
	switch {
	case interrupted(ctx):
		return &exitError{code: exitInterrupted, err: writing}
	case writing != nil:
		return fatal(writing)
	case errors.As(err, &missing):
		_ = fatal(err)
		return &exitError{code: exitNotFound}
	case err != nil:
		return fatal(err)
	}
	return nil
}

// fatal says in the log, as skopeo does, what ends the program.
func fatal(err error) error {
	logrus.StandardLogger().Log(logrus.FatalLevel, printableLines(err.Error()))
	return &exitError{code: exitNoRun}
}

// errTwoArguments is skopeo's, to the letter.
var errTwoArguments = errors.New("Exactly two arguments expected")

// last is the value that counts where a flag is repeated.
func last(given []string) string {
	if len(given) == 0 {
		return ""
	}
	return given[len(given)-1]
}
