package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"csync/sync/job"
	"csync/sync/plan"
	"csync/sync/prune"
	"csync/sync/registry/transport"
)

// newPrune makes the verb that deletes what is wanted no more.
func newPrune() *cobra.Command {
	c := newVerb("prune --src-yaml FILE --dest DEST | PROMOTION.yaml | REFERENCE... [FLAGS]", "delete what is wanted no more; without --confirm, say what that is",
		"csync prune --src-yaml images.yaml --dest docker://registry.example.com/mirror --confirm")
	c.ValidArgsFunction = nil // files
	f := &pruneFlags{runFlags: runFlags{verb: "prune"}}
	f.add(c.Flags())
	leaveToLongHelp(c, append(f.compatible(), "digestfile", "scoped", "append-suffix", "latest-by"))
	c.RunE = f.run
	return c
}

// pruneFlags are those of prune.
type pruneFlags struct {
	runFlags
	naming                syncFlags // only what says how images are called
	maxDelete             string
	tokenFile, tokenEnv   string
	confirm, repositories bool
	pruning               job.Pruning
}

func (f *pruneFlags) add(flags *pflag.FlagSet) {
	n, p := &f.naming, &f.pruning
	flags.BoolVar(&f.confirm, "confirm", false, "delete, instead of saying what would be deleted")
	flags.StringVar(&f.maxDelete, "max-delete", "", "delete nothing if more than `N` tags would go, or N% of a repository's")
	flags.BoolVar(&p.RemoveLast, "remove-last", false, "delete also the last tag of what something needs, or of a REFERENCE's digest")
	flags.StringArrayVar(&n.srcYAML, "src-yaml", nil, "delete at DEST the tags that the source `FILE` does not name")
	flags.StringArrayVarP(&n.destinations, "dest", "d", nil, "`DEST` of the source file's images: docker://HOST[/PATH], oci:PATH, ...")
	flags.StringVar(&n.destPath, "dest-path", string(plan.PathName), "what they are called there: as of sync, by `name`, path, full, flat or nested")
	flags.BoolVar(&n.scoped, "scoped", false, "the same as --dest-path full")
	flags.StringVar(&n.suffix, "append-suffix", "", "`SUFFIX` that sync has appended to their tags")
	flags.StringVar(&n.latestBy, "latest-by", string(plan.ByName), "order tags that are no versions by `name` or created")
	flags.StringArrayVar(&p.Releases.Hashes, "hash", nil, "of a promotion, delete the release `HASH`; repeatable")
	flags.BoolVar(&p.Releases.Unlabelled, "unlabelled", false, "of a promotion, delete every release that no label names")
	flags.StringArrayVar(&p.Releases.Images, "image", nil, "of a promotion, only the image `NAME`; repeatable")
	flags.BoolVar(&p.AllTags, "all-tags", false, "delete every tag of the repositories that are named")
	flags.BoolVar(&f.repositories, "repository", false, "delete the repositories that are named, with Quay's API")
	flags.StringVar(&f.tokenFile, "token-file", "", "delete by Quay's API, with the token in `FILE`")
	flags.StringVar(&f.tokenEnv, "token-env", "", "the same, with the token in the environment `VARIABLE`")
	f.runFlags.add(flags)
}

func (f *pruneFlags) run(c *cobra.Command, args []string) error {
	if err := f.check(args); err != nil {
		return err
	}
	io := streamsOf(c)
	o, err := f.options(io, append(f.inputs(args), f.naming.srcYAML...)...)
	if err != nil {
		return err
	}
	o.DryRun = o.DryRun || !f.confirm
	o.SourceFile, o.Destinations = last(f.naming.srcYAML), f.naming.destinations
	if o.Naming, err = f.naming.naming(); err != nil {
		return err
	}
	if o.LatestBy, err = plan.ParseTagOrder(f.naming.latestBy); err != nil {
		return fmt.Errorf("--latest-by: %w", err)
	}
	ctx, stop := f.system.deadline(c.Context())
	defer stop()
	r, err := job.RunPrune(ctx, o, f.pruning)
	if err != nil {
		return err
	}
	return f.output.report(ctx, r, io.out)
}

// inputs are the promotion file among the arguments, if they are that.
func (f *pruneFlags) inputs(args []string) []string {
	if len(args) == 1 && isFile(args[0]) {
		return args
	}
	return nil
}

// isFile tells the name of a file from a reference, which has a tag or a digest
// behind a colon, or a transport before one.
func isFile(name string) bool {
	if _, err := os.Stat(name); err == nil || name == "-" {
		return true
	}
	return !strings.Contains(name, ":") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// check finds what is wrong with the command line, and what it means.
func (f *pruneFlags) check(args []string) error {
	p, files := &f.pruning, f.inputs(args)
	releases := len(p.Releases.Hashes) > 0 || p.Releases.Unlabelled || len(p.Releases.Images) > 0
	p.Repositories = f.repositories
	p.AllTags = p.AllTags || f.repositories
	switch {
	case len(f.naming.srcYAML) == 0 && len(args) == 0:
		return usageError(f.verb, "nothing says what is to go: --src-yaml FILE, a promotion file or a REFERENCE is missing")
	case len(f.naming.srcYAML) > 0 && len(args) > 0:
		return usageError(f.verb, "--src-yaml and %q cannot be used at the same time", args[0])
	case len(f.naming.srcYAML) > 1:
		return usageError(f.verb, "--src-yaml is given %d times: one run reads one source file", len(f.naming.srcYAML))
	case len(f.naming.srcYAML) == 0 && f.set.Changed("dest"):
		return usageError(f.verb, "--dest goes with --src-yaml; a promotion file and a REFERENCE say where themselves")
	case releases && len(files) == 0:
		return usageError(f.verb, "--hash, --unlabelled and --image are for a promotion file")
	case len(files) > 0 && len(p.Releases.Hashes) == 0 && !p.Releases.Unlabelled:
		return usageError(f.verb, "nothing says which releases of %s are to go: --hash HASH or --unlabelled is missing", files[0])
	case p.AllTags && (len(files) > 0 || len(args) == 0):
		return usageError(f.verb, "--all-tags and --repository are for REFERENCEs of repositories")
	case slices.Contains(p.Releases.Hashes, ""):
		return usageError(f.verb, "--hash is empty")
	}
	if len(files) > 0 {
		p.Promotion = files[0]
	} else {
		p.References = args
	}
	return errors.Join(f.readLimit(), f.readToken())
}

func (f *pruneFlags) readLimit() (err error) {
	if !f.set.Changed("max-delete") {
		return nil
	}
	if f.pruning.Limit, err = prune.ParseLimit(f.maxDelete); err != nil {
		return fmt.Errorf("--max-delete: %w", err)
	}
	return nil
}

// readToken reads the token of Quay's API.
func (f *pruneFlags) readToken() error {
	switch {
	case f.tokenFile != "" && f.tokenEnv != "":
		return usageError(f.verb, "--token-file and --token-env cannot be used at the same time")
	case f.tokenFile != "":
		content, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return usageError(f.verb, "--token-file: %w", err)
		}
		f.pruning.Token = transport.Secret(strings.TrimSpace(string(content)))
	case f.tokenEnv != "":
		f.pruning.Token = transport.Secret(os.Getenv(f.tokenEnv))
	}
	if f.pruning.Token == "" && (f.set.Changed("token-file") || f.set.Changed("token-env")) {
		return usageError(f.verb, "the token is empty")
	}
	if f.pruning.Token == "" && f.repositories {
		return usageError(f.verb, "--repository needs a token of Quay's API: --token-file or --token-env is missing")
	}
	return nil
}
