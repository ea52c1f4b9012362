package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Assemble makes an index of single images, whose descriptors say for which
// platform each is. They stay in the order given, and equal ones give equal
// bytes: of a descriptor only media type, digest, size and platform are taken.
// The index is of the given media type; "" makes a Docker list where all images
// are of Docker's schema 2, else an OCI index. Two images for one platform are
// a failure of the kind conflict.
func Assemble(instances []v1.Descriptor, mediaType string) (registry.Manifest, error) {
	switch {
	case len(instances) == 0:
		return registry.Manifest{}, fault.New(fault.Input, errors.New("assembling an index: there is no image for it"))
	case mediaType == "":
		mediaType = commonList(instances)
	case !IsIndex(mediaType):
		return registry.Manifest{}, fault.New(fault.Input, fmt.Errorf("assembling an index: %q is no media type of one", mediaType))
	}
	index := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: mediaType}
	holds := map[platformKey]v1.Descriptor{}
	for _, d := range instances {
		if err := assemblable(d); err != nil {
			return registry.Manifest{}, fault.New(fault.Input, fmt.Errorf("assembling an index: %w", err))
		}
		key := keyOf(d)
		if other, taken := holds[key]; taken {
			return registry.Manifest{}, fault.New(fault.Conflict, fmt.Errorf(
				"assembling an index: %s and %s are both for %s", other.Digest, d.Digest, PlatformName(*d.Platform)))
		}
		holds[key] = d
		index.Manifests = append(index.Manifests, bare(d))
	}
	bytes, err := json.Marshal(index)
	if err != nil {
		return registry.Manifest{}, fault.New(fault.Internal, fmt.Errorf("assembling an index: %w", err))
	}
	d, err := Describe(bytes)
	d.MediaType = mediaType
	return registry.Manifest{Descriptor: d, Bytes: bytes}, err
}

// IndexType is the media type of indexes in a format, oci or docker; "" of any
// other.
func IndexType(format string) string {
	switch format {
	case "oci":
		return v1.MediaTypeImageIndex
	case "docker":
		return manifest.DockerV2ListMediaType
	}
	return ""
}

// assemblable says why an index cannot list the image.
func assemblable(d v1.Descriptor) error {
	switch {
	case d.Digest.Validate() != nil || d.Size <= 0:
		return fmt.Errorf("the image %q of %d bytes is none", d.Digest, d.Size)
	case IsIndex(d.MediaType):
		return fmt.Errorf("%s is an index itself", d.Digest)
	case d.Platform == nil || d.Platform.OS == "" || d.Platform.Architecture == "":
		return fmt.Errorf("the platform of %s is not known", d.Digest)
	}
	return nil
}

// commonList is the media type of an index that every reader of the images
// understands.
func commonList(instances []v1.Descriptor) string {
	for _, d := range instances {
		if d.MediaType != manifest.DockerV2Schema2MediaType {
			return v1.MediaTypeImageIndex
		}
	}
	return manifest.DockerV2ListMediaType
}

// bare is what an index that is made anew says of an image.
func bare(d v1.Descriptor) v1.Descriptor {
	p := v1.Platform{
		OS: d.Platform.OS, Architecture: d.Platform.Architecture, Variant: d.Platform.Variant,
		OSVersion: d.Platform.OSVersion, OSFeatures: d.Platform.OSFeatures,
	}
	return v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Platform: &p}
}

// platformKey is equal for images that would be chosen for the same machines.
type platformKey struct{ os, architecture, variant, osVersion string }

// keyOf takes an entry without a platform for one of a platform without a name.
func keyOf(d v1.Descriptor) platformKey {
	if d.Platform == nil {
		return platformKey{}
	}
	p := *d.Platform
	return platformKey{p.OS, p.Architecture, variant(p), p.OSVersion}
}

// PlatformOf reads for which platform a single image is, which its config says.
// What is no image has none, and is a failure of the kind unsupported.
func PlatformOf(ctx context.Context, source Source, m registry.Manifest) (v1.Platform, error) {
	doc, err := parseDocument(m)
	if err != nil {
		return v1.Platform{}, err
	}
	var platform v1.Platform
	text := m.Bytes // Docker's schema 1 says it in the manifest, but for the system
	switch {
	case !doc.isImage(m.MediaType):
		return v1.Platform{}, fault.New(fault.Unsupported, fmt.Errorf("%s (%s) is no image of one platform", m.Digest, m.MediaType))
	case IsSchema1(m.MediaType):
		platform.OS = "linux"
	default:
		if text, err = ReadSmall(ctx, *doc.Config, source.Blob); err != nil {
			return v1.Platform{}, fmt.Errorf("reading config: %w", err)
		}
	}
	if err := json.Unmarshal(text, &platform); err != nil {
		return v1.Platform{}, fault.New(fault.Unsupported, fmt.Errorf("parsing config of %s: %w", m.Digest, err))
	}
	if platform.OS == "" || platform.Architecture == "" {
		return v1.Platform{}, fault.New(fault.Unsupported, fmt.Errorf("the config of %s names no platform", m.Digest))
	}
	return platform, nil
}
