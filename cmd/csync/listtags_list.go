package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/spec"
)

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
func (l tagList) write(out *bufio.Writer) {
	for _, tag := range l.Tags {
		if d, known := l.Digests[tag]; known {
			fmt.Fprintf(out, "%s %s %s\n", tag, d.Digest, d.MediaType)
		} else {
			fmt.Fprintln(out, tag)
		}
	}
}
