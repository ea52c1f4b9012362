package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"csync/sync/job"
)

// snapshotFlags are those of snapshot.
type snapshotFlags struct {
	readFlags
	format  string
	minimal bool
}

// newSnapshot makes the verb that writes down what a registry has.
func newSnapshot() *cobra.Command {
	f := &snapshotFlags{readFlags: readFlags{verb: "snapshot"}}
	c := newVerb("snapshot [FLAGS] REGISTRY[/PATH] [REPOSITORY...]", "write a manifest of what is at a registry, by digest",
		"csync snapshot registry.example.com/prod > snapshot.yaml")
	c.Flags().StringVarP(&f.format, "output", "o", "yaml", "write `FORMAT`: yaml, a manifest of cip, or csv")
	c.Flags().BoolVar(&f.minimal, "minimal", false, "leave out what has no tag and is an instance of an index")
	f.addAccess(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError(f.verb, "REGISTRY is missing")
		}
		if f.format != "yaml" && f.format != "csv" {
			return usageError(f.verb, "--output %q is neither yaml nor csv", f.format)
		}
		return f.run(c, func(ctx context.Context, r *reading) error { return f.take(ctx, r, args) })
	}
	return c
}

// take writes the snapshot of a registry, and of nothing but the repositories
// that follow it, if any do.
func (f *snapshotFlags) take(ctx context.Context, r *reading, args []string) error {
	taken, err := job.TakeSnapshot(ctx, job.SnapshotOptions{
		Registry: strings.TrimSuffix(withoutTransport(args[0]), "/"), Repositories: args[1:],
		Minimal: f.minimal, Jobs: readsAtOnce, Client: r.client, Access: r.access,
	})
	switch {
	case err != nil:
		return err
	case f.format == "csv":
		return taken.WriteCSV(r.io.out)
	}
	return taken.WriteYAML(r.io.out)
}
