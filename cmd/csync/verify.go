package main

import (
	"github.com/spf13/cobra"

	"csync/sync/job"
)

// newVerify makes the verb that compares what a source file or a promotion names
// with what the destinations have.
func newVerify() *cobra.Command {
	c := newVerb("verify {--src-yaml FILE --dest DEST [--dest DEST ...] | PROMOTION} [FLAGS]", "check that everything is at every destination, and complete",
		"csync verify --src-yaml images.yaml --dest docker://registry.example.com/mirror")
	c.ValidArgsFunction = nil // files
	f := &verifyFlags{syncFlags: syncFlags{runFlags: runFlags{verb: "verify", dryRun: true}}}
	addPromotion(c.Flags(), &f.promotion)
	f.on(c)
	c.RunE = f.run
	return c
}

// verifyFlags are those of sync, and of promotions.
type verifyFlags struct {
	syncFlags
	promotion job.Promotion
}

func (f *verifyFlags) run(c *cobra.Command, args []string) error {
	if len(args) != 1 || len(f.srcYAML)+len(f.sources)+len(f.destinations) > 0 {
		if f.promotion != (job.Promotion{}) {
			return usageError("verify", "--hash and --label are of a promotion, whose file is missing")
		}
		return f.syncFlags.run(c, args)
	}
	if err := given("verify", c.Flags(), "hash", "force-hash", "label"); err != nil {
		return err
	}
	o, err := f.runFlags.options(streamsOf(c), args[0])
	if err != nil {
		return err
	}
	o.SourceFile, o.Deep = args[0], f.deep
	return f.carryOut(c, o, f.promotion.Run)
}
