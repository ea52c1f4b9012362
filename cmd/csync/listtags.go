package main

import (
	"context"
	"errors"
	"regexp"

	"github.com/Masterminds/semver/v3"
	"github.com/spf13/cobra"

	"csync/sync/spec"
)

// listTagsFlags are those of list-tags.
type listTagsFlags struct {
	readFlags
	selects, constraints, excludes []string
	digests                        bool
}

// newListTags makes the verb that lists the tags of a repository.
func newListTags() *cobra.Command {
	f := &listTagsFlags{readFlags: readFlags{verb: "list-tags"}}
	c := newVerb("list-tags [FLAGS] REPOSITORY", "list the tags of a repository",
		"csync list-tags --semver '>= 1.36' docker://quay.io/quay/busybox")
	c.Flags().BoolVar(&f.digests, "digests", false, "show the digest and the media type of each tag")
	c.Flags().StringArrayVar(&f.selects, "select", nil, "only tags that match the `REGEX`; repeatable")
	c.Flags().StringArrayVar(&f.constraints, "semver", nil, "only tags that are versions within the `CONSTRAINT`; repeatable")
	c.Flags().StringArrayVar(&f.excludes, "exclude", nil, "no tags that match the `REGEX`; repeatable")
	f.add(c.Flags())
	leaveToLongHelp(c, f.compatible())
	c.RunE = func(c *cobra.Command, args []string) error {
		name, err := one("list-tags", "REPOSITORY", args)
		if err != nil {
			return err
		}
		wanted, err := f.wanted()
		if err != nil {
			return err
		}
		return f.run(c, func(ctx context.Context, r *reading) error { return f.list(ctx, r, name, wanted) })
	}
	return c
}

// wanted is the choice of tags in the words of a source file.
func (f *listTagsFlags) wanted() (*spec.Repository, error) {
	wanted := &spec.Repository{All: len(f.selects)+len(f.constraints) == 0}
	var errs []error
	for _, text := range f.constraints {
		constraint, err := semver.NewConstraint(text)
		if err != nil {
			errs = append(errs, usageError(f.verb, "--semver %q: %w", text, err))
		}
		wanted.Constraints = append(wanted.Constraints, constraint)
	}
	var err error
	wanted.Patterns, err = f.patterns("select", f.selects)
	errs = append(errs, err)
	wanted.Exclude, err = f.patterns("exclude", f.excludes)
	return wanted, errors.Join(append(errs, err)...)
}

func (f *listTagsFlags) patterns(flag string, texts []string) ([]*regexp.Regexp, error) {
	var patterns []*regexp.Regexp
	for _, text := range texts {
		pattern, err := regexp.Compile(text)
		if err != nil {
			return nil, usageError(f.verb, "--%s %q: %w", flag, text, err)
		}
		patterns = append(patterns, pattern)
	}
	return patterns, nil
}
