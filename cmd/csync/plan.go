package main

import "github.com/spf13/cobra"

// newPlan makes the verb that is sync --dry-run.
func newPlan() *cobra.Command {
	c := newVerb("plan --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]", "say what sync would do, and write nothing",
		"csync plan --src-yaml images.yaml --dest docker://registry.example.com/mirror")
	return (&syncFlags{runFlags: runFlags{verb: "plan", dryRun: true}}).on(c)
}
