package main

import (
	"github.com/spf13/cobra"

	"csync/sync/job"
)

// newAssemble makes the verb that makes indexes of images.
func newAssemble() *cobra.Command {
	f := &actionFlags{runFlags: runFlags{verb: "assemble"}}
	c := newVerb("assemble [FLAGS] DEST SOURCE[=PLATFORM]..., or with --suffixes DEST [REFERENCE]",
		"make an index of images for one platform each",
		"csync assemble --suffixes linux/amd64=_x86_64,linux/ppc64le=_ppc64le registry.example.com/team/tools:1.0")
	var a job.Assembly
	flags := c.Flags()
	flags.StringSliceVar(&a.Suffixes, "suffixes", nil, "find the images by `PLATFORM=SUFFIX,...` behind the tag of REFERENCE, or of DEST")
	flags.StringSliceVar(&a.Optional, "optional", nil, "leave out `PLATFORM,...` where there is no image for it")
	flags.StringVarP(&a.Format, "format", "f", "", "make an index of `FORMAT` oci or docker (default that of the images)")
	return f.on(c, func(args []string) action {
		a.Arguments = args
		return a
	})
}
