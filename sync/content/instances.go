package content

import (
	"github.com/opencontainers/go-digest"

	"csync/sync/registry"
)

// Instances are the manifests that an index lists, in its order; a manifest that
// is none lists nothing.
func Instances(m registry.Manifest) ([]digest.Digest, error) {
	doc, err := parseDocument(m)
	if err != nil {
		return nil, err
	}
	var all []digest.Digest
	for _, entry := range doc.Manifests {
		if isManifest(entry.MediaType) {
			all = append(all, entry.Digest)
		}
	}
	return all, nil
}
