package main

import "github.com/spf13/cobra"

// newVerify makes the verb that compares what the source file names with what
// the destinations have.
func newVerify() *cobra.Command {
	c := newVerb("verify --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]", "check that everything is at every destination, and complete",
		"csync verify --src-yaml images.yaml --dest docker://registry.example.com/mirror")
	return (&syncFlags{runFlags: runFlags{verb: "verify", dryRun: true}}).on(c)
}
