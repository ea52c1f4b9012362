package main

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/job"
)

// newPromote makes the verb that carries a promotion file out.
func newPromote() *cobra.Command {
	c := newVerb("promote FILE [FLAGS]", "bring a release everywhere, then move its label, or nothing",
		"csync promote promotion.yaml --report report.html")
	c.ValidArgsFunction = nil // files
	f := &promoteFlags{runFlags: runFlags{verb: "promote"}}
	f.add(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = f.run
	return c
}

type promoteFlags struct {
	runFlags
	promotion job.Promotion
}

func (f *promoteFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.promotion.Hash, "hash", "", "promote `HASH`, instead of what the file says")
	flags.StringVar(&f.promotion.Hash, "force-hash", "", "the same as --hash")
	_ = flags.MarkHidden("force-hash") // it exists
	flags.StringVar(&f.promotion.Label, "label", "", "move `LABEL`, instead of what the file says")
	flags.BoolVar(&f.promotion.AllowPartial, "allow-partial", false, "promote the other images where the source lacks some")
	flags.StringVar(&f.promotion.Journal, "journal", "", "keep in `FILE` what tags named before (default beside the report)")
	flags.BoolVar(&f.promotion.Resume, "resume", false, "go on with a promotion that did not come to its end")
	flags.BoolVar(&f.promotion.Rollback, "rollback", false, "put back every tag that the journal's last promotion has moved")
	f.runFlags.add(flags)
}

func (f *promoteFlags) run(c *cobra.Command, args []string) error {
	name, err := one("promote", "FILE", args)
	if err != nil {
		return err
	}
	io := streamsOf(c)
	o, err := f.options(io, name)
	if err != nil {
		return err
	}
	o.SourceFile = name
	if f.promotion.Resume && f.promotion.Rollback {
		return usageError("promote", "--resume and --rollback exclude each other")
	}
	f.promotion.Journal = cmp.Or(f.promotion.Journal, f.journal(name))
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	progress := showProgress(&o, io)
	r, err := job.RunPromotion(ctx, o, f.promotion)
	progress.Close()
	if err != nil {
		return err
	}
	return f.output.report(ctx, r, io.out)
}

// journal is where the journal is unless a flag says so: beside the first report,
// or in the user's directory for what programs are to remember.
func (f *promoteFlags) journal(file string) string {
	if reports := f.output.files; len(reports) > 0 {
		return reports[0] + ".journal"
	}
	state := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); err == nil {
		state = cmp.Or(state, filepath.Join(home, ".local", "state"))
	}
	return filepath.Join(state, "csync", filepath.Base(file)+".journal")
}
