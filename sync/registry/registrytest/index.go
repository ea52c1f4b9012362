package registrytest

import (
	"encoding/json"
	"slices"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Annotations by which BuildKit ties an attestation to the image it describes.
const (
	attestationType    = "vnd.docker.reference.type"
	attestationSubject = "vnd.docker.reference.digest"
)

// Index makes an OCI image index of children, which may be indexes themselves.
func Index(children ...Image) Image {
	return newIndex(ocispec.MediaTypeImageIndex, children)
}

// ManifestList makes a Docker manifest list of children, which should have been
// made with [WithDocker].
func ManifestList(children ...Image) Image { return newIndex(DockerList, children) }

// MultiPlatform makes an OCI image index with one random image a platform.
func MultiPlatform(seed int, platforms ...string) Image {
	children := make([]Image, len(platforms))
	for i, platform := range platforms {
		children[i] = RandomImage(1000*seed+i, WithPlatform(platform))
	}
	return Index(children...)
}

func newIndex(mediaType string, children []Image) Image {
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: mediaType,
		Manifests: []ocispec.Descriptor{},
	}
	for _, child := range children {
		index.Manifests = append(index.Manifests, child.Descriptor())
	}
	return Image{MediaType: mediaType, Manifest: encode(index), Children: children}
}

// WithAttestations adds to index what BuildKit adds: for each image a manifest
// with a statement about it, for the platform unknown/unknown, tied to the
// image by the annotation vnd.docker.reference.digest.
func WithAttestations(index Image) Image {
	children := slices.Clone(index.Children)
	for _, child := range index.Children {
		children = append(children, attestation(child))
	}
	return newIndex(index.MediaType, children)
}

func attestation(image Image) Image {
	statement := Blob{
		MediaType:   "application/vnd.in-toto+json",
		Annotations: map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
		Content: encode(map[string]any{
			"_type":         "https://in-toto.io/Statement/v0.1",
			"predicateType": "https://slsa.dev/provenance/v0.2",
			"subject":       []any{map[string]any{"digest": map[string]string{"sha256": image.Digest().Encoded()}}},
		}),
	}
	unknown := ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	config := ocispec.Image{Platform: unknown, RootFS: ocispec.RootFS{Type: "layers"}}
	config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, statement.Digest())

	made := fromBlobs(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest},
		Blob{MediaType: ocispec.MediaTypeImageConfig, Content: encode(config)}, statement)
	made.Platform = &unknown
	made.Annotations = map[string]string{
		attestationType:    "attestation-manifest",
		attestationSubject: image.Digest().String(),
	}
	return made
}

// Artifact makes an OCI artifact (image specification 1.1, "Guidelines for
// Artifact Usage") of blobs, about subject if that is not nil.
func Artifact(subject *Image, artifactType string, blobs ...Blob) Image {
	empty := Blob{MediaType: ocispec.MediaTypeEmptyJSON, Content: []byte("{}")}
	if len(blobs) == 0 {
		blobs = []Blob{empty}
	}
	manifest := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType}
	if subject != nil {
		descriptor := subject.Descriptor()
		descriptor.Platform, descriptor.Annotations = nil, nil
		manifest.Subject = &descriptor
	}
	return fromBlobs(manifest, empty, blobs...)
}

// CosignSignature makes a signature of image as cosign stores it, and the tag
// under which cosign looks for it, "sha256-<hex>.sig". It does not verify.
func CosignSignature(image Image) (tag string, signature Image) {
	payload := Blob{
		MediaType:   "application/vnd.dev.cosign.simplesigning.v1+json",
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": "bm90IGEgc2lnbmF0dXJl"},
		Content: encode(map[string]any{"critical": map[string]any{
			"image": map[string]string{"docker-manifest-digest": image.Digest().String()},
			"type":  "cosign container image signature",
		}}),
	}
	config := ocispec.Image{RootFS: ocispec.RootFS{Type: "layers"}}
	config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, payload.Digest())
	signature = fromBlobs(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest},
		Blob{MediaType: ocispec.MediaTypeImageConfig, Content: encode(config)}, payload)
	return "sha256-" + image.Digest().Encoded() + ".sig", signature
}

// descriptors are what manifest names: the children of an index, or config and
// layers of an image.
func descriptors(manifest []byte) (children, blobs []ocispec.Descriptor, err error) {
	var named struct {
		Manifests []ocispec.Descriptor `json:"manifests"`
		Config    *ocispec.Descriptor  `json:"config"`
		Layers    []ocispec.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(manifest, &named); err != nil {
		return nil, nil, err
	}
	if named.Config != nil {
		blobs = append(blobs, *named.Config)
	}
	return named.Manifests, append(blobs, named.Layers...), nil
}
