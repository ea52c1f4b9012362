package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/log"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/spec"
)

// SnapshotOptions are what is asked of a snapshot.
type SnapshotOptions struct {
	// Registry is where to look, host[:port][/path].
	Registry string
	// Repositories are the names below it; none: those that the registry lists.
	Repositories []string
	// Minimal leaves out what is known only as an instance of an index.
	Minimal bool
	// Jobs bounds what is looked at at the same time; at least 1.
	Jobs   int
	Client *registry.Client
	Access transport.Access
}

// Snapshot is what a registry has: every tag, and what has none where the
// registry tells of it.
type Snapshot struct {
	Registry string
	Images   []SnapshotImage // sorted, none without digests
}

// SnapshotImage is a repository and its digests, sorted; their tags are sorted,
// too.
type SnapshotImage struct {
	Name    string // below the registry's name
	Digests []spec.Digest
}

// TakeSnapshot lists all of it, or fails: a snapshot with a part missing would
// look like one of a registry that has less.
func TakeSnapshot(ctx context.Context, o SnapshotOptions) (*Snapshot, error) {
	names, err := o.names(ctx)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Registry: o.Registry, Images: make([]SnapshotImage, len(names))}
	errs := make([]error, len(names))
	_ = o.each(ctx, len(names), func(ctx context.Context, i int) error {
		s.Images[i], errs[i] = o.image(ctx, names[i])
		return nil // all that is wrong is to be known: errs has it
	})
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.Images = slices.DeleteFunc(s.Images, func(image SnapshotImage) bool { return len(image.Digests) == 0 })
	return s, nil
}

// names are the repositories below the registry's name, sorted.
func (o SnapshotOptions) names(ctx context.Context) ([]string, error) {
	if len(o.Repositories) > 0 {
		return slices.Compact(slices.Sorted(slices.Values(o.Repositories))), nil
	}
	listed, err := o.Client.Repositories(ctx, o.Registry, o.Access)
	if err != nil {
		return nil, fault.WithRemedy(fault.KindOf(err), err, "give the repositories as arguments")
	}
	_, namespace, within := strings.Cut(o.Registry, "/")
	if within && len(listed) == 0 { // which a misspelt path would look like
		return nil, fault.New(fault.NotFound, fmt.Errorf("there is no repository below %s", o.Registry))
	}
	names := make([]string, len(listed))
	for i, name := range listed {
		if names[i] = name; within {
			names[i] = strings.TrimPrefix(name, namespace+"/")
		}
	}
	return names, nil
}

// image is one repository. One that is only listed may be gone.
func (o SnapshotOptions) image(ctx context.Context, name string) (image SnapshotImage, err error) {
	full := o.Registry + "/" + name
	defer func() { err = fault.At("", "docker://"+full, err) }()
	host, _, _ := strings.Cut(full, "/")
	named, err := reference.ParseNormalizedNamed(full)
	if err != nil || !reference.IsNameOnly(named) || path.Clean(name) != name || reference.Domain(named) != host {
		return image, fault.New(fault.Input, errors.New("this is not a repository"))
	}
	repository, err := o.Client.Source(named, o.Access)
	if err != nil {
		return image, err
	}
	look := snapshotOf{o, repository}
	tags, err := repository.Tags(ctx)
	if fault.Is(err, fault.NotFound) && len(o.Repositories) == 0 {
		return image, nil
	}
	if err != nil {
		return image, err
	}
	digests, err := look.digests(ctx, tags)
	if err != nil {
		return image, err
	}
	untagged, err := look.untagged(ctx, slices.Sorted(maps.Keys(digests)))
	if err != nil {
		return image, err
	}
	for _, d := range untagged {
		digests[d] = nil
	}
	if len(digests) == 0 && len(o.Repositories) > 0 { // some registries say so of what is not there
		return image, fault.New(fault.NotFound, errors.New("there is nothing in it"))
	}
	image.Name = name
	for _, d := range slices.Sorted(maps.Keys(digests)) {
		image.Digests = append(image.Digests, spec.Digest{Digest: d, Tags: digests[d]})
	}
	return image, nil
}

// snapshotOf is the snapshot of one repository.
type snapshotOf struct {
	SnapshotOptions
	repository *registry.Repository
}

// digests are the sorted tags of each digest. What a tag names is asked for
// where the list of tags did not tell.
func (s snapshotOf) digests(ctx context.Context, tags []string) (map[digest.Digest][]string, error) {
	slices.Sort(tags)
	told, found := s.repository.Digests(ctx), make([]digest.Digest, len(tags))
	err := s.each(ctx, len(tags), func(ctx context.Context, i int) error {
		if found[i] = told[tags[i]]; found[i] != "" {
			return nil
		}
		there, err := s.repository.Resolve(ctx, tags[i])
		if fault.Is(err, fault.NotFound) {
			log.From(ctx).Warnf("%s:%s is listed, and not there", s.repository.Name(), tags[i])
			return nil
		}
		found[i] = there.Digest
		return err
	})
	all := map[digest.Digest][]string{}
	for i, d := range found {
		if d != "" {
			all[d] = append(all[d], tags[i])
		}
	}
	return all, err
}

// untagged are the digests that no tag names, of a minimal snapshot without the
// instances of indexes.
func (s snapshotOf) untagged(ctx context.Context, tagged []digest.Digest) ([]digest.Digest, error) {
	untagged := s.repository.Untagged()
	if !s.Minimal || len(untagged) == 0 {
		return untagged, nil
	}
	asked := slices.Concat(tagged, untagged)
	instances := make([][]digest.Digest, len(asked))
	err := s.each(ctx, len(asked), func(ctx context.Context, i int) error {
		m, err := s.repository.Manifest(ctx, asked[i].String())
		if err == nil {
			instances[i], err = content.Instances(m)
		}
		return err
	})
	known := map[digest.Digest]bool{}
	for _, d := range slices.Concat(instances...) {
		known[d] = true
	}
	return slices.DeleteFunc(untagged, func(d digest.Digest) bool { return known[d] }), err
}

// each calls do for so many numbers, of which some are under way at a time,
// until one fails.
func (o SnapshotOptions) each(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Jobs, 1))
	for i := range count {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
