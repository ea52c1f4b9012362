package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/plan"
)

// syncFlags are those of sync and plan, in both forms.
type syncFlags struct {
	verb      string
	system    systemFlags
	signing   signingFlags
	shared    *sharedAccess
	src, dest *accessFlags
	output    outputFlags
	set       *pflag.FlagSet // which of them were given

	srcYAML       []string
	since         string
	sources       []string
	destinations  []string
	destPath      string
	latestBy      string
	tagPolicy     string
	allowMissing  bool
	requireImages bool
	dryRun        bool
	failFast      bool
	noCache       bool
	jobs          int

	all, scoped, preserveDigests, keepGoing bool
	suffix, format                          string
}

// defaultJobs keeps a run with one registry at each side below 64 connections
// also where they speak HTTP/1.1, with one to spare for finding that out.
const defaultJobs = 30

// on makes the command do what the flags say.
func (f *syncFlags) on(c *cobra.Command) *cobra.Command {
	f.add(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = f.run
	return c
}

// compatible are the flags that help leaves to its long form.
func (f *syncFlags) compatible() []string {
	return slices.Concat(systemFlagNames, signingFlagNames, f.src.names(), f.dest.names(), skopeoFlagNames, []string{"no-cache"})
}

func (f *syncFlags) add(flags *pflag.FlagSet) {
	f.set = flags
	flags.StringArrayVar(&f.srcYAML, "src-yaml", nil, "read what is wanted from `FILE`, - for standard input")
	flags.StringVar(&f.since, "since", "", "of a cip manifest, take what it did not ask for at the git commit `REF`")
	flags.StringArrayVarP(&f.sources, "src", "s", nil, "take every image of `PLACE`: dir:PATH, oci:PATH, docker://REPOSITORY[:TAG], ...")
	flags.StringArrayVarP(&f.destinations, "dest", "d", nil, "bring the images to `DEST`: docker://HOST[/PATH], dir:PATH, oci:PATH, ...")
	flags.StringVar(&f.destPath, "dest-path", string(plan.PathName), "keep the source's `name`, its whole path, or full (path and registry)")
	flags.StringVar(&f.latestBy, "latest-by", string(plan.ByName), "order tags that are no versions by `name` or created")
	flags.StringVar(&f.tagPolicy, "tag-policy", "", "let tags move by `POLICY`: allow, deny or a regex of those that may (default allow; for cip, deny)")
	flags.BoolVar(&f.allowMissing, "allow-missing-platforms", false, "take an index that lacks some of the wanted platforms")
	flags.BoolVar(&f.requireImages, "require-images", false, "fail where the source has no images, instead of warning")
	if f.verb == "sync" { // the others write nothing in any case
		flags.BoolVar(&f.dryRun, "dry-run", false, "compare only, and say what would be done")
	}
	flags.BoolVar(&f.failFast, "fail-fast", false, "stop at the first failure")
	flags.BoolVar(&f.noCache, "no-cache", false, "do not remember what filters and formats make of images, and which were admitted")
	flags.IntVarP(&f.jobs, "jobs", "j", defaultJobs, "images at the same time, and requests at a registry")
	f.output.add(flags)
	f.addSkopeo(flags)
	f.shared = addSharedAccess(flags)
	f.src, f.dest = addAccess(flags, "src-", "screds"), addAccess(flags, "dest-", "dcreds")
	f.signing.add(flags)
	f.system.add(flags)
}
