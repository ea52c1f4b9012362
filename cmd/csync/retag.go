package main

import (
	"github.com/spf13/cobra"

	"csync/sync/job"
)

// newRetag makes the verb that gives images further tags.
func newRetag() *cobra.Command {
	f := &actionFlags{runFlags: runFlags{verb: "retag"}}
	c := newVerb("retag [FLAGS] SOURCE TAG [TAG...]", "give an image further tags in its repository, moving no blob",
		"csync retag registry.example.com/team/app:1.2.0 stable latest")
	guarded := c.Flags().Bool("guard", false, "look at each tag right before it is written, and leave one alone that has moved")
	return f.on(c, func(args []string) action { return job.Retagging{Arguments: args, Guarded: *guarded} })
}
