package content

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"

	"csync/sync/fault"
	"csync/sync/registry"
)

// mediaTypeOCIArtifact is the manifest type of ORAS and of OCI 1.1's drafts;
// registries still hold signatures in it.
const mediaTypeOCIArtifact = "application/vnd.oci.artifact.manifest.v1+json"

// document is the part of a manifest that says what it needs, whatever its
// media type: an index names manifests, an image a config and layers, an
// artifact blobs, Docker's schema 1 fsLayers.
type document struct {
	MediaType    string                 `json:"mediaType"`
	ArtifactType string                 `json:"artifactType"`
	Config       *v1.Descriptor         `json:"config"`
	Layers       bounded[v1.Descriptor] `json:"layers"`
	Blobs        bounded[v1.Descriptor] `json:"blobs"`
	Manifests    bounded[v1.Descriptor] `json:"manifests"`
	Subject      *v1.Descriptor         `json:"subject"`
	FSLayers     bounded[fsLayer]       `json:"fsLayers"`
}

// fsLayer is a layer of schema 1, which does not say how large it is.
type fsLayer struct {
	BlobSum digest.Digest `json:"blobSum"`
}

func parseDocument(m registry.Manifest) (document, error) {
	var doc document
	if err := json.Unmarshal(m.Bytes, &doc); err != nil {
		return doc, fault.New(fault.Unsupported, fmt.Errorf("parsing manifest %s: %w", m.Digest, err))
	}
	if err := doc.unambiguous(m.MediaType); err != nil {
		return doc, fault.New(fault.Unsupported, fmt.Errorf("parsing manifest %s: %w", m.Digest, err))
	}
	if err := doc.sized(); err != nil {
		return doc, fault.New(fault.Unsupported, fmt.Errorf("parsing manifest %s: %w", m.Digest, err))
	}
	for _, d := range append(doc.blobs(), doc.Manifests...) {
		if err := d.Digest.Validate(); err != nil {
			return doc, fault.New(fault.Unsupported, fmt.Errorf("parsing manifest %s: digest %q: %w", m.Digest, d.Digest, err))
		}
	}
	return doc, nil
}

// unambiguous refuses what is one thing to one reader and another to the next:
// an index with layers, an image that lists manifests, or either under the
// other's media type (CVE-2021-41190). A policy would be asked about the one, and
// the other be used.
func (d document) unambiguous(mediaType string) error {
	index := IsIndex(mediaType)
	switch {
	case isManifest(d.MediaType) && d.MediaType != "" && IsIndex(d.MediaType) != index:
		return fmt.Errorf("it says that it is %s, and came as %s", d.MediaType, mediaType)
	case index && (d.Config != nil || len(d.Layers)+len(d.Blobs)+len(d.FSLayers) > 0):
		return errors.New("it is an index, and has layers as well")
	case !index && len(d.Manifests) > 0:
		return errors.New("it is no index, and lists manifests as well")
	}
	return nil
}

// sized refuses negative sizes, which would pass for those that are not known.
func (d document) sized() error {
	all := slices.Concat(d.Layers, d.Blobs, d.Manifests)
	if d.Config != nil {
		all = append(all, *d.Config)
	}
	for _, entry := range all {
		if entry.Size < 0 {
			return fmt.Errorf("%s has the size %d", entry.Digest, entry.Size)
		}
	}
	return nil
}

// blobs are the config and the layers that have to be in the repository before
// the manifest, each once. Layers that live elsewhere (foreign, with URLs) stay
// where they are.
func (d document) blobs() []v1.Descriptor {
	var all []v1.Descriptor
	if d.Config != nil {
		all = append(all, *d.Config)
	}
	all = append(append(all, d.Layers...), d.Blobs...)
	for _, layer := range d.FSLayers {
		all = append(all, v1.Descriptor{Digest: layer.BlobSum, Size: -1})
	}
	seen := make(map[digest.Digest]bool, len(all))
	kept := all[:0]
	for _, blob := range all {
		if seen[blob.Digest] || foreign(blob) {
			continue
		}
		seen[blob.Digest] = true
		kept = append(kept, blob)
	}
	return kept
}

func foreign(blob v1.Descriptor) bool {
	return len(blob.URLs) > 0 &&
		(strings.Contains(blob.MediaType, ".foreign.") || strings.Contains(blob.MediaType, ".nondistributable."))
}

// IsIndex reports whether a manifest of the media type lists others.
func IsIndex(mediaType string) bool { return manifest.MIMETypeIsMultiImage(mediaType) }

// isManifest reports whether a descriptor in an index names a manifest rather
// than a blob; some artifacts list blobs there.
func isManifest(mediaType string) bool {
	switch mediaType {
	case "", mediaTypeOCIArtifact, v1.MediaTypeImageManifest, v1.MediaTypeImageIndex,
		manifest.DockerV2Schema2MediaType, manifest.DockerV2ListMediaType,
		manifest.DockerV2Schema1MediaType, manifest.DockerV2Schema1SignedMediaType:
		return true
	}
	return false
}

// IsSchema1 reports whether a manifest of the media type is one of Docker's
// oldest, which says neither sizes nor what layers are uncompressed.
func IsSchema1(mediaType string) bool {
	return mediaType == manifest.DockerV2Schema1MediaType || mediaType == manifest.DockerV2Schema1SignedMediaType
}

// isImage reports whether the manifest is an image's: with an image's config, and
// nothing that only artifacts have.
func (d document) isImage(mediaType string) bool {
	if IsSchema1(mediaType) {
		return true
	}
	if d.Config == nil || d.ArtifactType != "" || d.Subject != nil {
		return false
	}
	return isImageConfig(d.Config.MediaType)
}

func isImageConfig(mediaType string) bool {
	return mediaType == v1.MediaTypeImageConfig || mediaType == manifest.DockerV2Schema2ConfigMediaType
}

// Copyable reports whether containers/image can copy the manifest as one image
// or artifact: it knows neither indexes there nor the drafts' artifact manifest.
func Copyable(mediaType string) bool {
	return isManifest(mediaType) && !IsIndex(mediaType) && mediaType != mediaTypeOCIArtifact
}
