package content

import (
	"context"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/registry"
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

// Subject is what a manifest refers to, "" for nothing, and the type of artifact
// that it says it is.
func Subject(m registry.Manifest) (subject digest.Digest, artifactType string) {
	doc, err := parseDocument(m)
	if err != nil || doc.Subject == nil || doc.Subject.Digest.Validate() != nil {
		return "", doc.ArtifactType
	}
	return doc.Subject.Digest, doc.ArtifactType
}

// Listed are the manifests that an index lists, as it does.
func Listed(m registry.Manifest) ([]v1.Descriptor, error) {
	doc, err := parseDocument(m)
	return doc.Manifests, err
}
