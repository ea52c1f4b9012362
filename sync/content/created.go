package content

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
)

// Created is when the config of the image was created: of an index, its first
// instance's. An image that does not say was created at the zero time.
func Created(ctx context.Context, source Source, identifier string) (time.Time, error) {
	for range maxDepth {
		m, err := source.Manifest(ctx, identifier)
		if err != nil {
			return time.Time{}, fmt.Errorf("reading manifest of %s: %w", identifier, err)
		}
		doc, err := parseDocument(m)
		if err != nil {
			return time.Time{}, err
		}
		if len(doc.Manifests) == 0 {
			return doc.created(ctx, source)
		}
		identifier = doc.Manifests[0].Digest.String()
	}
	return time.Time{}, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: indexes nest more than %d deep", identifier, maxDepth))
}

func (d document) created(ctx context.Context, source Source) (time.Time, error) {
	if d.Config == nil {
		return time.Time{}, nil
	}
	content, err := ReadSmall(ctx, *d.Config, source.Blob)
	if err != nil {
		return time.Time{}, err
	}
	var config v1.Image
	if err := json.Unmarshal(content, &config); err != nil || config.Created == nil {
		return time.Time{}, nil // an artifact's config may be anything
	}
	return *config.Created, nil
}
