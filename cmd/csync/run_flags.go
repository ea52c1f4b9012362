package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/job"
	"csync/sync/report"
	"csync/sync/spec"
)

// runFlags are those of every verb that plans or does something at registries.
type runFlags struct {
	verb      string
	set       *pflag.FlagSet
	system    systemFlags
	signing   signingFlags
	shared    *sharedAccess
	src, dest *accessFlags
	output    outputFlags

	tagPolicy string
	dryRun    bool
	failFast  bool
	noCache   bool
	jobs      int
}

// defaultJobs keeps a run with one registry at each side below 64 connections
// also where they speak HTTP/1.1, with one to spare for finding that out.
const defaultJobs = 30

func (f *runFlags) add(flags *pflag.FlagSet) {
	f.set = flags
	if f.verb != "prune" { // which moves none
		flags.StringVar(&f.tagPolicy, "tag-policy", "", "let tags move by `POLICY`: allow, deny or a regex of those that may (default allow; for cip, deny)")
	}
	if f.verb != "plan" && f.verb != "verify" { // which write nothing in any case
		flags.BoolVar(&f.dryRun, "dry-run", false, "compare only, and say what would be done")
	}
	if f.verb != "prune" { // which stops before it begins, or not
		flags.BoolVar(&f.failFast, "fail-fast", false, "stop at the first failure")
	}
	flags.BoolVar(&f.noCache, "no-cache", false, "do not remember what filters and formats make of images, and which were admitted")
	flags.IntVarP(&f.jobs, "jobs", "j", defaultJobs, "images at the same time, and requests at a registry")
	f.output.add(flags)
	f.shared = addSharedAccess(flags)
	source := flags
	if f.verb == "retag" { // which is at one registry, where it writes
		source = pflag.NewFlagSet(f.verb, pflag.ContinueOnError)
	}
	f.src, f.dest = addAccess(source, "src-", "screds"), addAccess(flags, "dest-", "dcreds")
	if f.verb != "prune" {
		f.signing.add(flags)
	}
	f.system.add(flags)
}

// compatible are the flags that help leaves to its long form.
func (f *runFlags) compatible() []string {
	return slices.Concat(systemFlagNames, signingFlagNames, f.src.names(), f.dest.names(), []string{"no-cache"})
}

// options are the flags as a job takes them. inputs are the files that it reads.
func (f *runFlags) options(io streams, inputs ...string) (o job.Options, err error) {
	if err := f.system.setUpLogging(io.err); err != nil {
		return o, err
	}
	if f.jobs < 1 {
		return o, usageError(f.verb, "--jobs %d: at least one is needed", f.jobs)
	}
	if err := f.output.check(inputs...); err != nil {
		return o, err
	}
	o = job.Options{
		Verb: job.Verb(f.verb), DryRun: f.dryRun, Version: version, Input: io.in,
		Jobs: f.jobs, FailFast: f.failFast, CacheFile: f.cacheFile(),
		Trust:   job.Trust{Insecure: f.system.insecurePolicy, RequireSigned: f.system.requireSigned},
		Signing: f.signing.options(io), Log: logrus.StandardLogger(),
	}
	if o.Registry, err = f.system.registry(f.jobs); err != nil {
		return o, err
	}
	if o.TagPolicy, err = f.movingTags(); err != nil {
		return o, err
	}
	return o, f.access(&o)
}

// carryOut does what the options say within the time that there is, shows how far
// it is, and reports.
func (f *runFlags) carryOut(c *cobra.Command, o job.Options, do func(context.Context, job.Options) (*report.Report, error)) error {
	io := streamsOf(c)
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	progress := showProgress(&o, io)
	r, err := do(ctx, o)
	progress.Close()
	if err != nil {
		return err
	}
	return f.output.report(ctx, r, io.out)
}

// movingTags is the tag policy, or nil where the flag says nothing.
func (f *runFlags) movingTags() (*spec.TagPolicy, error) {
	if !f.set.Changed("tag-policy") {
		return nil, nil
	}
	policy, err := spec.ParseTagPolicy(f.tagPolicy)
	if err != nil {
		return nil, fmt.Errorf("--tag-policy: %w", err)
	}
	return &policy, nil
}

// access is how registries are reached.
func (f *runFlags) access(o *job.Options) (err error) {
	if o.SourceAccess, err = f.src.access(f.shared); err != nil {
		return err
	}
	if o.DestinationAccess, err = f.dest.access(f.shared); err != nil {
		return err
	}
	return f.shared.check(o.SourceAccess, o.DestinationAccess)
}

// cacheFile is in the user's directory for such files. Not having one is no
// failure.
func (f *runFlags) cacheFile() string {
	directory, err := os.UserCacheDir()
	if f.noCache || err != nil {
		return ""
	}
	return filepath.Join(directory, "csync", "filtered.json")
}
