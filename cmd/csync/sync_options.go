package main

import (
	"fmt"

	"csync/sync/job"
	"csync/sync/plan"
	"csync/sync/prune"
)

// options are the flags of both forms as a job takes them.
func (f *syncFlags) options(args []string, io streams) (job.Options, error) {
	o, err := f.runFlags.options(io, f.inputs(args)...)
	if err != nil {
		return o, err
	}
	if f.set.Changed("since") && f.since == "" { // mostly a variable that is not set
		return o, usageError(f.verb, "--since names no commit")
	}
	o.SourceFile, o.Since, o.Sources, o.Destinations = last(f.srcYAML), f.since, f.sources, f.destinations
	o.AllowMissing, o.RequireImages, o.Deep = f.allowMissing, f.requireImages, f.deep
	o.Format, o.PreserveDigests = f.format, f.preserveDigests
	if o.Naming, err = f.naming(); err != nil {
		return o, err
	}
	if f.set.Lookup("max-delete") != nil {
		if o.MaxDelete, err = prune.ParseLimit(f.maxDelete); err != nil {
			return o, fmt.Errorf("--max-delete: %w", err)
		}
	}
	if o.LatestBy, err = plan.ParseTagOrder(f.latestBy); err != nil {
		return o, fmt.Errorf("--latest-by: %w", err)
	}
	return o, nil
}

// inputs are the files that the run reads, of both forms.
func (f *syncFlags) inputs(args []string) []string {
	if last(f.sources) == "yaml" && len(args) > 0 {
		return append(args[:1:1], f.srcYAML...)
	}
	return f.srcYAML
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
