package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/spec"
)

// syncFlags are those of sync and plan, in both forms.
type syncFlags struct {
	verb      string
	system    systemFlags
	signing   signingFlags
	shared    *sharedAccess
	src, dest *accessFlags
	output    outputFlags

	srcYAML      string
	sources      []string
	destinations []string
	destPath     string
	latestBy     string
	allowMissing bool
	dryRun       bool
	failFast     bool
	noCache      bool
	jobs         int

	all, scoped, preserveDigests, keepGoing bool
	suffix, format                          string
}

// defaultJobs keeps a run with one registry at each side below 64 connections
// also where they speak HTTP/1.1, with one to spare for finding that out.
const defaultJobs = 30

// newSync makes the verb sync, or plan, which is sync --dry-run.
func newSync(name string) *verb {
	f := &syncFlags{verb: name, dryRun: name == "plan"}
	v := &verb{
		name: name, does: "bring the destinations to what the source file says",
		usage:   "[sync] --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]",
		example: "csync --src-yaml images.yaml --dest docker://registry.example.com/mirror",
		flags:   pflag.NewFlagSet(name, pflag.ContinueOnError),
	}
	if name == "plan" {
		v.does = "say what sync would do, and write nothing"
		v.usage = "plan --src-yaml FILE --dest DEST [--dest DEST ...] [FLAGS]"
		v.example = "csync plan --src-yaml images.yaml --dest docker://registry.example.com/mirror"
	}
	f.add(v.flags)
	v.compatible = f.compatible()
	v.run = f.run
	return v
}

// compatible are the flags that help leaves to its long form.
func (f *syncFlags) compatible() []string {
	return slices.Concat(systemFlagNames, signingFlagNames, f.src.names(), f.dest.names(), skopeoFlagNames, []string{"no-cache"})
}

func (f *syncFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.srcYAML, "src-yaml", "", "read what is wanted from `FILE`, - for standard input")
	flags.StringArrayVarP(&f.sources, "src", "s", nil, "take every image of `PLACE`: dir:PATH, oci:PATH, docker://REPOSITORY[:TAG], ...")
	flags.StringArrayVarP(&f.destinations, "dest", "d", nil, "bring the images to `DEST`: docker://HOST[/PATH], dir:PATH, oci:PATH, ...")
	flags.StringVar(&f.destPath, "dest-path", string(plan.PathName), "keep the source's `name`, its whole path, or full (path and registry)")
	flags.StringVar(&f.latestBy, "latest-by", string(plan.ByName), "order tags that are no versions by `name` or created")
	flags.BoolVar(&f.allowMissing, "allow-missing-platforms", false, "take an index that lacks some of the wanted platforms")
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

func (f *syncFlags) run(ctx context.Context, args []string, io streams) error {
	if f.skopeo(args) {
		return f.runSkopeo(ctx, args, io)
	}
	return f.native(ctx, args, io, func(ctx context.Context, s *session, p *plan.Plan) { s.carryOut(ctx, p) })
}

// native is the native form: plan, act on the plan, report.
func (f *syncFlags) native(ctx context.Context, args []string, io streams, act func(context.Context, *session, *plan.Plan)) error {
	if err := f.check(args); err != nil {
		return err
	}
	file, err := f.load(io)
	if err != nil {
		return err
	}
	s, err := f.open(io, false)
	if err != nil {
		return err
	}
	defer s.close()
	request, err := s.request(file)
	if err != nil {
		return err
	}
	ctx, stop := f.system.deadline(ctx)
	defer stop()
	p := plan.Make(ctx, request)
	if f.failFast && p.Failed() {
		p.Cancel("not done, because another step failed (--fail-fast)")
	}
	act(ctx, s, p)
	s.finish(ctx, p)
	s.progress.Close()
	return s.report(ctx, p)
}

// check finds what is wrong with the command line alone.
func (f *syncFlags) check(args []string) error {
	if len(args) > 0 {
		return usageError(f.verb, "%q is neither a verb nor a flag's value", args[0])
	}
	if f.srcYAML == "" && len(f.sources) == 0 {
		return usageError(f.verb, "--src-yaml FILE is missing: what is to be copied (as in skopeo: %w)", errTwoArguments)
	}
	if f.srcYAML != "" && len(f.sources) > 0 {
		return usageError(f.verb, "--src-yaml and --src cannot be used at the same time")
	}
	return f.checkShared()
}

// checkShared finds what is wrong with flags of both forms.
func (f *syncFlags) checkShared() error {
	if f.jobs < 1 {
		return usageError(f.verb, "--jobs %d: at least one is needed", f.jobs)
	}
	if _, err := f.formatType(); err != nil {
		return err
	}
	return f.output.check()
}

// load reads what is wanted.
func (f *syncFlags) load(io streams) (*spec.File, error) {
	switch f.srcYAML {
	case "":
		return &spec.File{}, nil
	case "-":
		return spec.Load("standard input", io.in, spec.Strict)
	}
	return spec.LoadPath(f.srcYAML, spec.Strict)
}

// formats are skopeo's names of the manifest types.
var formats = map[string]string{
	"":     "",
	"oci":  "application/vnd.oci.image.manifest.v1+json",
	"v2s1": "application/vnd.docker.distribution.manifest.v1+prettyjws",
	"v2s2": "application/vnd.docker.distribution.manifest.v2+json",
}

func (f *syncFlags) formatType() (string, error) {
	mediaType, known := formats[f.format]
	if !known {
		return "", fault.New(fault.Input, fmt.Errorf("unknown format %q. Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'", f.format))
	}
	return mediaType, nil
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

// copyLog is where containers/image's lines go.
func (f *syncFlags) copyLog(skopeo bool, io streams) io.Writer {
	if !skopeo || f.output.asked() {
		return nil
	}
	return &lineWriter{out: io.out}
}

// place reports whether a --src or --dest names a place rather than, as skopeo
// has it, a transport.
func place(name string) bool { return strings.Contains(name, ":") }
