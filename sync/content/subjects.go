package content

import (
	"context"

	"github.com/opencontainers/go-digest"
)

// Subjects are the digests that something may refer to of what the selection
// wants of an image: its own, unless that is an index which only the filter
// makes, and those of its instances.
func (s Selection) Subjects(ctx context.Context, source Source, identifier string) ([]digest.Digest, error) {
	m, err := source.Manifest(ctx, identifier)
	if err != nil {
		return nil, err
	}
	choice, err := s.Choose(ctx, source, m)
	if err != nil {
		return nil, err
	}
	var subjects []digest.Digest
	if choice.Digest == m.Digest || choice.Bytes == nil {
		subjects = append(subjects, choice.Digest)
	}
	if choice.Bytes == nil || !IsIndex(choice.MediaType) {
		return subjects, nil
	}
	doc, err := parseDocument(choice.Manifest)
	for _, child := range doc.Manifests {
		subjects = append(subjects, child.Digest)
	}
	return subjects, err
}
