package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"

	"csync/sync/job"
	"csync/sync/plan"
	"csync/sync/spec"
)

// options are the flags of both forms as a job takes them.
func (f *syncFlags) options(args []string, io streams) (o job.Options, err error) {
	if err := f.system.setUpLogging(io.err); err != nil {
		return o, err
	}
	if f.jobs < 1 {
		return o, usageError(f.verb, "--jobs %d: at least one is needed", f.jobs)
	}
	if f.set.Changed("since") && f.since == "" { // mostly a variable that is not set
		return o, usageError(f.verb, "--since names no commit")
	}
	if err := f.output.check(f.inputs(args)...); err != nil {
		return o, err
	}
	o = job.Options{
		Verb: job.Verb(f.verb), DryRun: f.dryRun, Version: version,
		SourceFile: last(f.srcYAML), Input: io.in, Since: f.since, Sources: f.sources, Destinations: f.destinations,
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
	if o.TagPolicy, err = f.movingTags(); err != nil {
		return o, err
	}
	return o, f.access(&o)
}

// movingTags is the tag policy, or nil where the flag says nothing.
func (f *syncFlags) movingTags() (*spec.TagPolicy, error) {
	if !f.set.Changed("tag-policy") {
		return nil, nil
	}
	policy, err := spec.ParseTagPolicy(f.tagPolicy)
	if err != nil {
		return nil, fmt.Errorf("--tag-policy: %w", err)
	}
	return &policy, nil
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
