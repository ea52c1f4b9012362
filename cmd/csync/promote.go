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
	promotion    job.Promotion
	destinations []string
}

// addPromotion adds the flags that take the place of single values of a promotion
// file.
func addPromotion(flags *pflag.FlagSet, p *job.Promotion) {
	flags.StringVar(&p.Hash, "hash", "", "of a promotion, `HASH` instead of what the file says")
	flags.StringVar(&p.Hash, "force-hash", "", "the same as --hash")
	_ = flags.MarkHidden("force-hash") // it exists
	flags.StringVar(&p.Label, "label", "", "of a promotion, `LABEL` instead of what the file says")
}

func (f *promoteFlags) add(flags *pflag.FlagSet) {
	addPromotion(flags, &f.promotion)
	flags.BoolVar(&f.promotion.AllowPartial, "allow-partial", false, "promote the other images where the source lacks some")
	flags.StringVar(&f.promotion.Journal, "journal", "", "keep in `FILE` what tags named before (default beside the report)")
	flags.BoolVar(&f.promotion.Resume, "resume", false, "go on with a promotion that did not come to its end")
	flags.StringArrayVarP(&f.destinations, "dest", "d", nil, "of a manifest of cip that names no destination: `DEST`")
	flags.BoolVar(&f.promotion.Rollback, "rollback", false, "put back every tag that the journal's last promotion has moved")
	f.runFlags.add(flags)
}

func (f *promoteFlags) run(c *cobra.Command, args []string) error {
	name, err := one("promote", "FILE", args)
	if err != nil {
		return err
	}
	if err := given("promote", c.Flags(), "hash", "force-hash", "label", "journal"); err != nil {
		return err
	}
	o, err := f.options(streamsOf(c), name)
	if err != nil {
		return err
	}
	o.SourceFile, o.Destinations = name, f.destinations
	if f.promotion.Resume && f.promotion.Rollback {
		return usageError("promote", "--resume and --rollback exclude each other")
	}
	f.promotion.Journal = cmp.Or(f.promotion.Journal, f.journal(name))
	f.promotion.KeepDirectory = kept()
	return f.carryOut(c, o, f.promotion.Run)
}

// kept is where images are kept unless the promotion file says where: in the user's
// directory for what can be had again.
func kept() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "csync", "promotion")
}

// given refuses flags that were given and are empty, mostly by a variable that is
// not set.
func given(verb string, flags *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		if flag := flags.Lookup(name); flag.Changed && flag.Value.String() == "" {
			return usageError(verb, "--%s is empty", name)
		}
	}
	return nil
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
