package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/plan"
)

// syncFlags are those of sync and plan, in both forms.
type syncFlags struct {
	runFlags
	srcYAML       []string
	since         string
	sources       []string
	destinations  []string
	destPath      string
	latestBy      string
	allowMissing  bool
	requireImages bool
	deep          bool
	maxDelete     string

	all, scoped, preserveDigests, keepGoing bool
	suffix, format                          string
}

// on makes the command do what the flags say.
func (f *syncFlags) on(c *cobra.Command) *cobra.Command {
	f.add(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = f.run
	return c
}

// compatible are the flags that help leaves to its long form.
func (f *syncFlags) compatible() []string {
	return append(f.runFlags.compatible(), skopeoFlagNames...)
}

func (f *syncFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.srcYAML, "src-yaml", nil, "read what is wanted from `FILE`, - for standard input")
	flags.StringVar(&f.since, "since", "", "of a cip manifest, take what it did not ask for at the git commit `REF`")
	flags.StringArrayVarP(&f.sources, "src", "s", nil, "take every image of `PLACE`: dir:PATH, oci:PATH, docker://REPOSITORY[:TAG], ...")
	flags.StringArrayVarP(&f.destinations, "dest", "d", nil, "bring the images to `DEST`: docker://HOST[/PATH], dir:PATH, oci:PATH, ...")
	flags.StringVar(&f.destPath, "dest-path", string(plan.PathName), "keep the source's `name`, its whole path, or full (path and registry); flat, nested")
	flags.StringVar(&f.latestBy, "latest-by", string(plan.ByName), "order tags that are no versions by `name` or created")
	flags.BoolVar(&f.allowMissing, "allow-missing-platforms", false, "take an index that lacks some of the wanted platforms")
	flags.BoolVar(&f.requireImages, "require-images", false, "fail where the source has no images, instead of warning")
	if f.verb != "plan" {
		flags.BoolVar(&f.deep, "deep", false, "ask the destinations for every layer and config, too")
	}
	if f.verb != "verify" { // which says nothing of what is there besides
		flags.StringVar(&f.maxDelete, "max-delete", "50%", "remove nothing from mirrors (csync: prune) if more than `N` tags would go, or N% of a repository's")
	}
	f.addSkopeo(flags)
	f.runFlags.add(flags)
}
