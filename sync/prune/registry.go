package prune

import (
	"context"

	"github.com/opencontainers/go-digest"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// AtRegistry is a repository at a registry. What nothing leads to is deleted by
// its digest.
func AtRegistry(r *registry.Repository) Shelf { return repository{r} }

type repository struct{ *registry.Repository }

func (r repository) Reference(identifier string) string {
	return "docker://" + r.Name().Name() + behind(identifier)
}

// behind is what stands behind a repository's name.
func behind(identifier string) string {
	if _, err := digest.Parse(identifier); err == nil {
		return "@" + identifier
	}
	return ":" + identifier
}

func (repository) Collects() bool { return false }

func (r repository) Tags(ctx context.Context) ([]string, error) {
	tags, err := r.Repository.Tags(ctx)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return tags, err
}

func (r repository) Resolve(ctx context.Context, identifier string) (digest.Digest, error) {
	there, err := r.Repository.Resolve(ctx, identifier)
	return there.Digest, err
}

func (r repository) Read(ctx context.Context, identifier string) (Entry, error) {
	m, err := r.Manifest(ctx, identifier)
	if err != nil {
		return Entry{}, err
	}
	lists, subject, err := content.Links(m)
	entry := Entry{Digest: m.Digest, Manifest: Manifest{Subject: subject}}
	for _, listed := range lists {
		entry.Lists = append(entry.Lists, listed.Digest)
		if content.IsIndex(listed.MediaType) {
			entry.Indexes = append(entry.Indexes, listed.Digest)
		}
	}
	return entry, err
}

func (r repository) Referrers(ctx context.Context, d digest.Digest) ([]digest.Digest, error) {
	listed, err := r.Repository.Referrers(ctx, d)
	var found []digest.Digest
	for _, referrer := range listed {
		found = append(found, referrer.Digest)
	}
	return found, err
}

// Collecting is a shelf at a registry that is deleted from in another way, and
// collects by itself what no tag names: Quay, by its own API. Of it only tags are
// deleted.
func Collecting(r *registry.Repository, tags TagDeleter) Shelf {
	return collecting{repository{r}, tags}
}

// TagDeleter removes tags of one repository.
type TagDeleter interface {
	DeleteTag(ctx context.Context, tag string) error
}

type collecting struct {
	repository
	tags TagDeleter
}

func (c collecting) DeleteTag(ctx context.Context, tag string) error {
	return c.tags.DeleteTag(ctx, tag)
}

func (collecting) DeleteManifest(context.Context, digest.Digest) error { return nil }
func (collecting) Collects() bool                                      { return true }
