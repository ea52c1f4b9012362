package main

import (
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"csync/sync/job"
)

// newSync makes the verb that does everything.
func newSync() *cobra.Command {
	c := newVerb("sync --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]", "bring the destinations to what the source file says",
		"csync --src-yaml images.yaml --dest docker://registry.example.com/mirror")
	return (&syncFlags{runFlags: runFlags{verb: "sync"}}).on(c)
}

func (f *syncFlags) run(c *cobra.Command, args []string) error {
	if f.skopeo(args) {
		return f.runSkopeo(c, args)
	}
	if err := f.check(args); err != nil {
		return err
	}
	o, err := f.options(args, streamsOf(c))
	if err != nil {
		return err
	}
	return f.carryOut(c, o, job.Run)
}

// check finds what is wrong with the command line of the native form.
func (f *syncFlags) check(args []string) error {
	if len(args) > 0 {
		return usageError(f.verb, "%q is neither a verb nor a flag's value", args[0])
	}
	if last(f.srcYAML) == "" && len(f.sources) == 0 {
		return usageError(f.verb, "--src-yaml FILE is missing: what is to be copied (as in skopeo: %w)", errTwoArguments)
	}
	if len(f.srcYAML) > 1 {
		return usageError(f.verb, "--src-yaml is given %d times: one run reads one source file", len(f.srcYAML))
	}
	if f.deep && f.dryRun && f.verb == "sync" {
		return usageError(f.verb, "--deep and --dry-run cannot be used at the same time: nothing is there yet")
	}
	if len(f.srcYAML) > 0 && len(f.sources) > 0 {
		return usageError(f.verb, "--src-yaml and --src cannot be used at the same time")
	}
	return nil
}

// showProgress shows on standard error how far the run is. Until it is closed,
// log lines go through it.
func showProgress(o *job.Options, io streams) *progress {
	p := newProgress(io.err, isTerminal(io.err))
	logrus.SetOutput(p)
	o.Progress = append(o.Progress, p)
	return p
}

// place reports whether a --src or --dest names a place rather than, as skopeo
// has it, a transport.
func place(name string) bool { return strings.Contains(name, ":") }
