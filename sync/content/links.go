package content

import (
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/registry"
)

// Links are the manifests that one names: those that an index lists, each once,
// and what a referrer is about, or "".
func Links(m registry.Manifest) (lists []v1.Descriptor, subject digest.Digest, err error) {
	doc, err := parseDocument(m)
	if err != nil {
		return nil, "", err
	}
	seen := map[digest.Digest]bool{}
	for _, entry := range doc.Manifests {
		if isManifest(entry.MediaType) && !seen[entry.Digest] {
			seen[entry.Digest] = true
			lists = append(lists, entry)
		}
	}
	if doc.Subject != nil {
		subject = doc.Subject.Digest
	}
	return lists, subject, nil
}
