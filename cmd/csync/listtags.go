package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	"github.com/spf13/pflag"
	"go.podman.io/image/v5/docker/reference"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/spec"
)

// listTagsFlags are those of list-tags.
type listTagsFlags struct {
	readFlags
	selects, constraints, excludes []string
	digests                        bool
}

// newListTags makes the verb that lists the tags of a repository.
func newListTags() *verb {
	f := &listTagsFlags{readFlags: readFlags{verb: "list-tags"}}
	v := &verb{
		name: "list-tags", does: "list the tags of a repository",
		usage:   "list-tags [FLAGS] REPOSITORY",
		example: "csync list-tags --semver '>= 1.36' docker://quay.io/quay/busybox",
		flags:   pflag.NewFlagSet("list-tags", pflag.ContinueOnError),
	}
	v.flags.BoolVar(&f.digests, "digests", false, "show the digest and the media type of each tag")
	v.flags.StringArrayVar(&f.selects, "select", nil, "only tags that match the `REGEX`; repeatable")
	v.flags.StringArrayVar(&f.constraints, "semver", nil, "only tags that are versions within the `CONSTRAINT`; repeatable")
	v.flags.StringArrayVar(&f.excludes, "exclude", nil, "no tags that match the `REGEX`; repeatable")
	f.add(v.flags)
	v.compatible = f.compatible()
	v.run = func(ctx context.Context, args []string, io streams) error {
		name, err := one("list-tags", "REPOSITORY", args)
		if err != nil {
			return err
		}
		wanted, err := f.wanted()
		if err != nil {
			return err
		}
		return f.run(ctx, io, func(ctx context.Context, r *reading) error { return f.list(ctx, r, name, wanted) })
	}
	return v
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

// tagList is skopeo's list of tags, and the digests besides.
type tagList struct {
	Repository string
	Tags       []string
	Digests    map[string]taggedDigest `json:",omitempty"` // by tag
}

type taggedDigest struct {
	Digest    digest.Digest
	MediaType string
}

func (f *listTagsFlags) list(ctx context.Context, r *reading, name string, wanted *spec.Repository) error {
	named, err := image.ParseName(name, r.system)
	if err != nil {
		return err
	}
	if !reference.IsNameOnly(named) {
		return usageError(f.verb, "%q: a repository is taken, without tag or digest", name)
	}
	repository, err := r.client.Source(named, r.access)
	if err != nil {
		return err
	}
	found := tagList{Repository: named.Name(), Tags: []string{}}
	tags, err := repository.Tags(ctx)
	if err != nil {
		return fault.At("", "docker://"+named.Name(), err)
	}
	found.Tags = append(found.Tags, slices.DeleteFunc(tags, func(tag string) bool { return !wanted.Wants(tag) })...)
	var unread error
	if f.digests {
		found.Digests, unread = digests(ctx, repository, found.Tags)
	}
	if err := r.show(found, found.write); err != nil {
		return err
	}
	if unread != nil {
		return &exitError{code: exitFailures, err: unread}
	}
	return nil
}

// digests asks for all tags at once; the client bounds what is in flight. Tags
// that cannot be read are left out, and in the error.
func digests(ctx context.Context, repository *registry.Repository, tags []string) (map[string]taggedDigest, error) {
	found, errs := make([]taggedDigest, len(tags)), make([]error, len(tags))
	var group errgroup.Group
	group.SetLimit(readsAtOnce)
	for i, tag := range tags {
		group.Go(func() error {
			d, err := repository.Resolve(ctx, tag)
			found[i] = taggedDigest{d.Digest, d.MediaType}
			errs[i] = fault.At("", "docker://"+repository.Name().Name()+":"+tag, err)
			return nil
		})
	}
	_ = group.Wait() // errs has them
	byTag := make(map[string]taggedDigest, len(tags))
	for i, tag := range tags {
		if errs[i] == nil {
			byTag[tag] = found[i]
		}
	}
	return byTag, errors.Join(errs...)
}

// write writes a line for each tag.
func (l tagList) write(out io.Writer) {
	for _, tag := range l.Tags {
		if d, known := l.Digests[tag]; known {
			fmt.Fprintf(out, "%s %s %s\n", tag, d.Digest, d.MediaType)
		} else {
			fmt.Fprintln(out, tag)
		}
	}
}
