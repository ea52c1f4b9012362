package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/job"
	"csync/sync/report"
)

// actionFlags are those of the verbs that do one action, for one image or for
// each line of a file.
type actionFlags struct {
	runFlags
	file string
}

func (f *actionFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "file", "", "take the arguments from each line of `FILE`, - for standard input")
	f.runFlags.add(flags)
}

// action is what is done with the arguments.
type action interface {
	Run(ctx context.Context, o job.Options) (*report.Report, error)
}

// on makes the command do what the flags say and is asked for.
func (f *actionFlags) on(c *cobra.Command, ask func(args []string) action) *cobra.Command {
	f.add(c.Flags())
	leaveToLongHelp(c, append(f.compatible(), "digestfile"))
	c.RunE = func(c *cobra.Command, args []string) error {
		if f.file == "" && len(args) == 0 {
			return usageError(f.verb, "what is to be done is missing")
		}
		o, err := f.options(streamsOf(c), f.file)
		if err != nil {
			return err
		}
		o.SourceFile = f.file
		return f.carryOut(c, o, ask(args).Run)
	}
	return c
}
