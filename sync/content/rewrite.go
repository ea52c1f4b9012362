package content

import (
	"fmt"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"

	"csync/sync/fault"
	"csync/sync/registry"
)

// ListFormat is the media type of the indexes whose instances have the given
// one: Docker's lists for Docker's manifests; "" for "".
func ListFormat(format string) string {
	switch format {
	case "":
		return ""
	case v1.MediaTypeImageManifest:
		return v1.MediaTypeImageIndex
	}
	return manifest.DockerV2ListMediaType
}

// OtherList is the media type of indexes that a registry may take where it
// refuses the given one.
func OtherList(mediaType string) string {
	if mediaType == manifest.DockerV2ListMediaType {
		return v1.MediaTypeImageIndex
	}
	return manifest.DockerV2ListMediaType
}

// Rewrite makes of an index one that names other manifests in place of its own,
// by their digests, and is of the given media type; "" leaves that. An index in
// which nothing changes keeps its bytes.
func Rewrite(index registry.Manifest, converted map[digest.Digest]v1.Descriptor, mediaType string) (registry.Manifest, error) {
	if len(converted) == 0 && (mediaType == "" || mediaType == index.MediaType) {
		return index, nil
	}
	bytes, err := rewrite(index, converted, mediaType)
	if err != nil {
		return registry.Manifest{}, fault.New(fault.Unsupported, fmt.Errorf("converting index %s: %w", index.Digest, err))
	}
	d, err := Describe(bytes)
	return registry.Manifest{Descriptor: d, Bytes: bytes}, err
}

func rewrite(index registry.Manifest, converted map[digest.Digest]v1.Descriptor, mediaType string) ([]byte, error) {
	list, err := manifest.ListFromBlob(index.Bytes, index.MediaType)
	if err != nil {
		return nil, err
	}
	var updates []manifest.ListUpdate
	for _, instance := range list.Instances() {
		update, err := list.Instance(instance)
		if err != nil {
			return nil, err
		}
		if d, changed := converted[instance]; changed {
			update.Digest, update.Size, update.MediaType = d.Digest, d.Size, d.MediaType
		}
		updates = append(updates, update)
	}
	if err := list.UpdateInstances(updates); err != nil {
		return nil, err
	}
	if mediaType != "" && mediaType != list.MIMEType() {
		if list, err = manifest.ConvertListToMIMEType(list, mediaType); err != nil {
			return nil, err
		}
	}
	return list.Serialize()
}
