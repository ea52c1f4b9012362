package main

import (
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/job"
	"csync/sync/spec"
)

// copyFlags are those of copy.
type copyFlags struct {
	runFlags
	platforms                                []string
	allowMissing, referrers, preserveDigests bool
	format                                   string
}

// newCopy makes the verb that needs no source file.
func newCopy() *cobra.Command {
	f := &copyFlags{runFlags: runFlags{verb: "copy"}}
	c := newVerb("copy [FLAGS] SOURCE DEST [DEST...]", "give one image the references that are named, at any number of places",
		"csync copy quay.io/podman/hello:latest registry.example.com/hello:1.0 registry.example.com/hello:stable")
	f.add(c.Flags())
	leaveToLongHelp(c, append(f.compatible(), "preserve-digests", "digestfile"))
	c.RunE = f.run
	return c
}

func (f *copyFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.platforms, "platform", nil, "take only the instances for `PLATFORM` of an index; repeatable (default all)")
	flags.BoolVar(&f.allowMissing, "allow-missing-platforms", false, "take an index that lacks some of the wanted platforms")
	flags.BoolVar(&f.referrers, "referrers", false, "copy signatures, SBOMs and attestations as well")
	flags.StringVarP(&f.format, "format", "f", "", "convert manifests to `FORMAT`: oci, v2s1 or v2s2")
	flags.BoolVar(&f.preserveDigests, "preserve-digests", false, "fail rather than change a digest (as always without --format)")
	f.runFlags.add(flags)
}

func (f *copyFlags) run(c *cobra.Command, args []string) error {
	if len(args) < 2 {
		return usageError(f.verb, "SOURCE and DEST are what it takes")
	}
	platforms, err := f.chosen()
	if err != nil {
		return err
	}
	io := streamsOf(c)
	o, err := f.options(io)
	if err != nil {
		return err
	}
	o.AllowMissing, o.Format, o.PreserveDigests = f.allowMissing, f.format, f.preserveDigests
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	progress := showProgress(&o, io)
	r, err := job.RunCopy(ctx, o, job.Copying{Source: args[0], Destinations: args[1:], Platforms: platforms, Referrers: f.referrers})
	progress.Close()
	if err != nil {
		return err
	}
	return f.output.report(ctx, r, io.out)
}

// chosen are the platforms of the flag.
func (f *copyFlags) chosen() ([]v1.Platform, error) {
	platforms := make([]v1.Platform, len(f.platforms))
	for i, text := range f.platforms {
		var err error
		if platforms[i], err = spec.ParsePlatform(text); err != nil {
			return nil, usageError(f.verb, "--platform: %w", err)
		}
	}
	return platforms, nil
}
