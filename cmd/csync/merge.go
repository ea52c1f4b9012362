package main

import (
	"github.com/spf13/cobra"

	"csync/sync/job"
)

// newMerge makes the verb that keeps what only the destinations have.
func newMerge() *cobra.Command {
	f := &actionFlags{runFlags: runFlags{verb: "merge"}}
	c := newVerb("merge [FLAGS] SOURCE DEST [DEST...]", "copy an image, and keep the platforms that only the destination has",
		"csync merge quay.io/podman/hello:latest registry.example.com/hello:latest")
	var m job.Merging
	c.Flags().StringVar(&m.KeepTag, "keep-tag", "", "give what was merged a further `TAG` such as {tag}-{digest}, so that it is kept")
	return f.on(c, func(args []string) action {
		m.Arguments = args
		return m
	})
}
