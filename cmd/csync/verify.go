package main

import "github.com/spf13/pflag"

// newVerify makes the verb that compares what the source file names with what
// the destinations have.
func newVerify() *verb {
	f := &syncFlags{verb: "verify", dryRun: true}
	v := &verb{
		name: "verify", does: "check that everything is at every destination, and complete",
		usage:   "verify --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]",
		example: "csync verify --src-yaml images.yaml --dest docker://registry.example.com/mirror",
		flags:   pflag.NewFlagSet("verify", pflag.ContinueOnError),
	}
	f.add(v.flags)
	v.compatible = f.compatible()
	v.run = f.run
	return v
}
