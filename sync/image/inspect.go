package image

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"golang.org/x/sync/errgroup"

	"csync/sync/registry"
)

// Created is when the config of the image was created: of an index, its first
// instance's. An image that does not say was created at the zero time.
func Created(ctx context.Context, repository *registry.Repository, identifier string) (time.Time, error) {
	m, err := repository.Manifest(ctx, identifier)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading manifest of %s: %w", identifier, err)
	}
	doc, err := parseDocument(m)
	if err != nil {
		return time.Time{}, err
	}
	if len(doc.Manifests) > 0 {
		return Created(ctx, repository, doc.Manifests[0].Digest.String())
	}
	if doc.Config == nil {
		return time.Time{}, nil
	}
	content, err := readSmall(ctx, repository, *doc.Config)
	if err != nil {
		return time.Time{}, err
	}
	var config v1.Image
	if err := json.Unmarshal(content, &config); err != nil || config.Created == nil {
		return time.Time{}, nil // an artifact's config may be anything
	}
	return *config.Created, nil
}

// Subjects are the digests that something may refer to of what the selection
// wants of an image: its own, unless that is an index which only the filter
// makes, and those of its instances.
func (s Selection) Subjects(ctx context.Context, repository *registry.Repository, identifier string) ([]digest.Digest, error) {
	m, err := repository.Manifest(ctx, identifier)
	if err != nil {
		return nil, err
	}
	choice, err := s.Choose(ctx, repository, m)
	if err != nil {
		return nil, err
	}
	var subjects []digest.Digest
	if choice.Digest == m.Digest || choice.Bytes == nil {
		subjects = append(subjects, choice.Digest)
	}
	if choice.Bytes == nil || !isIndex(choice.MediaType) {
		return subjects, nil
	}
	doc, err := parseDocument(registry.Manifest{Descriptor: choice.Descriptor, Bytes: choice.Bytes})
	for _, child := range doc.Manifests {
		subjects = append(subjects, child.Digest)
	}
	return subjects, err
}

// Named is an image of a place that is no registry, and what to call it.
type Named struct {
	Location Location
	Name     Name
}

// Complete reports whether a registry has every instance of the index at the
// location; an image that is none is complete if it is there. The error has the
// kind not-found where an instance is missing.
func Complete(ctx context.Context, l Location) error {
	there, err := Look(ctx, l)
	if err != nil || l.Repository == nil || !isIndex(there.MediaType) {
		return err
	}
	m, err := l.Repository.Manifest(ctx, there.Digest.String())
	if err != nil {
		return err
	}
	doc, err := parseDocument(m)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, child := range doc.Manifests {
		if !isManifest(child.MediaType) {
			continue
		}
		group.Go(func() error {
			if _, err := l.Repository.Resolve(ctx, child.Digest.String()); err != nil {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}
