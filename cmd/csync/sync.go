package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/job"
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

	srcYAML       []string
	sources       []string
	destinations  []string
	destPath      string
	latestBy      string
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

// newSync makes the verb that does everything.
func newSync() *cobra.Command {
	c := newVerb("sync --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]", "bring the destinations to what the source file says",
		"csync --src-yaml images.yaml --dest docker://registry.example.com/mirror")
	return (&syncFlags{verb: "sync"}).on(c)
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
	return slices.Concat(systemFlagNames, signingFlagNames, f.src.names(), f.dest.names(), skopeoFlagNames, []string{"no-cache"})
}

func (f *syncFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.srcYAML, "src-yaml", nil, "read what is wanted from `FILE`, - for standard input")
	flags.StringArrayVarP(&f.sources, "src", "s", nil, "take every image of `PLACE`: dir:PATH, oci:PATH, docker://REPOSITORY[:TAG], ...")
	flags.StringArrayVarP(&f.destinations, "dest", "d", nil, "bring the images to `DEST`: docker://HOST[/PATH], dir:PATH, oci:PATH, ...")
	flags.StringVar(&f.destPath, "dest-path", string(plan.PathName), "keep the source's `name`, its whole path, or full (path and registry)")
	flags.StringVar(&f.latestBy, "latest-by", string(plan.ByName), "order tags that are no versions by `name` or created")
	flags.BoolVar(&f.allowMissing, "allow-missing-platforms", false, "take an index that lacks some of the wanted platforms")
	flags.BoolVar(&f.requireImages, "require-images", false, "fail where the source has no images, instead of warning")
	if f.verb == "sync" { // the others write nothing in any case
		flags.BoolVar(&f.dryRun, "dry-run", false, "compare only, and say what would be done")
	}
	flags.BoolVar(&f.failFast, "fail-fast", false, "stop at the first failure")
	flags.BoolVar(&f.noCache, "no-cache", false, "do not remember what platform filters make of indexes")
	flags.IntVarP(&f.jobs, "jobs", "j", defaultJobs, "images at the same time, and requests at a registry")
	f.output.add(flags)
	f.addSkopeo(flags)
	f.shared = addSharedAccess(flags)
	f.src, f.dest = addAccess(flags, "src-", "screds"), addAccess(flags, "dest-", "dcreds")
	f.signing.add(flags)
	f.system.add(flags)
}

func (f *syncFlags) run(c *cobra.Command, args []string) error {
	if f.skopeo(args) {
		return f.runSkopeo(c, args)
	}
	if err := f.check(args); err != nil {
		return err
	}
	io := streamsOf(c)
	o, err := f.options(args, io)
	if err != nil {
		return err
	}
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	progress := showProgress(&o, io)
	r, err := job.Run(ctx, o)
	progress.Close()
	if err != nil {
		return err
	}
	return f.output.report(ctx, r, io.out)
}

// check finds what is wrong with the command line of the native form.
func (f *syncFlags) check(args []string) error {
	if len(args) > 0 {
		return usageError(f.verb, "%q is neither a verb nor a flag's value", args[0])
	}
	if last(f.srcYAML) == "" && len(f.sources) == 0 {
		return usageError(f.verb, "--src-yaml FILE is missing: what is to be copied (as in skopeo: %w)", errTwoArguments)
	}
	if len(f.srcYAML) > 1 {
		return usageError(f.verb, "--src-yaml is given %d times: one run reads one source file", len(f.srcYAML))
	}
	if len(f.srcYAML) > 0 && len(f.sources) > 0 {
		return usageError(f.verb, "--src-yaml and --src cannot be used at the same time")
	}
	return nil
}

// options are the flags of both forms as a job takes them.
func (f *syncFlags) options(args []string, io streams) (o job.Options, err error) {
	if err := f.system.setUpLogging(io.err); err != nil {
		return o, err
	}
	if f.jobs < 1 {
		return o, usageError(f.verb, "--jobs %d: at least one is needed", f.jobs)
	}
	if err := f.output.check(f.inputs(args)...); err != nil {
		return o, err
	}
	o = job.Options{
		Verb: job.Verb(f.verb), DryRun: f.dryRun, Version: version,
		SourceFile: last(f.srcYAML), Input: io.in, Sources: f.sources, Destinations: f.destinations,
		AllowMissing: f.allowMissing, RequireImages: f.requireImages, Jobs: f.jobs, FailFast: f.failFast, CacheFile: f.cacheFile(),
		Trust:   job.Trust{Insecure: f.system.insecurePolicy, RequireSigned: f.system.requireSigned},
		Signing: f.signing.options(io), Format: f.format, PreserveDigests: f.preserveDigests,
		Log: logrus.StandardLogger(),
	}
	if o.Registry, err = f.system.registry(f.jobs); err != nil {
		return o, err
	}
	if o.Naming, err = f.naming(); err != nil {
		return o, err
	}
	if o.LatestBy, err = plan.ParseTagOrder(f.latestBy); err != nil {
		return o, fmt.Errorf("--latest-by: %w", err)
	}
	return o, f.access(&o)
}

// inputs are the files that the run reads, of both forms.
func (f *syncFlags) inputs(args []string) []string {
	if last(f.sources) == "yaml" && len(args) > 0 {
		return append(args[:1:1], f.srcYAML...)
	}
	return f.srcYAML
}

// access is how registries are reached.
func (f *syncFlags) access(o *job.Options) (err error) {
	if o.SourceAccess, err = f.src.access(f.shared); err != nil {
		return err
	}
	if o.DestinationAccess, err = f.dest.access(f.shared); err != nil {
		return err
	}
	return f.shared.check(o.SourceAccess, o.DestinationAccess)
}

// naming is how images are called at the destinations.
func (f *syncFlags) naming() (plan.Naming, error) {
	path, err := plan.ParsePathMode(f.destPath)
	if err != nil {
		return plan.Naming{}, fmt.Errorf("--dest-path: %w", err)
	}
	if f.scoped {
		path = plan.PathFull
	}
	return plan.Naming{Path: path, Suffix: f.suffix}, nil
}

// cacheFile is in the user's directory for such files. Not having one is no
// failure.
func (f *syncFlags) cacheFile() string {
	directory, err := os.UserCacheDir()
	if f.noCache || err != nil {
		return ""
	}
	return filepath.Join(directory, "csync", "filtered.json")
}

// showProgress shows on standard error how far the run is. Until it is closed,
// log lines go through it.
func showProgress(o *job.Options, io streams) *progress {
	p := newProgress(io.err, isTerminal(io.err))
	logrus.SetOutput(p)
	o.Progress = append(o.Progress, p)
	return p
}

// place reports whether a --src or --dest names a place rather than, as skopeo
// has it, a transport.
func place(name string) bool { return strings.Contains(name, ":") }
