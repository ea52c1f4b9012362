package registrytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of Docker Image Manifest V2, Schema 2, which the OCI image
// specification has no names for.
const (
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	DockerConfig   = "application/vnd.docker.container.image.v1+json"
	DockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

// Image is a manifest with everything below it: an image, an artifact, or an
// index with its children. Two are equal when every byte of them is.
type Image struct {
	MediaType   string
	Manifest    []byte
	Blobs       []Blob            // config first, then the layers in order; none for an index
	Children    []Image           // of an index, in its order
	Platform    *ocispec.Platform // how an index describes it; nil if it does not
	Annotations map[string]string // of its descriptor in an index
}

// Digest is the digest of the manifest.
func (i Image) Digest() digest.Digest { return digest.FromBytes(i.Manifest) }

// Descriptor describes i as an index or the subject of an artifact does.
func (i Image) Descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType:   i.MediaType,
		Digest:      i.Digest(),
		Size:        int64(len(i.Manifest)),
		Platform:    i.Platform,
		Annotations: i.Annotations,
	}
}

// ImageOption changes what [RandomImage] makes.
type ImageOption func(*draft)

// draft is an image before its bytes are fixed.
type draft struct {
	docker bool
	layers []Blob
	config ocispec.Image
}

// WithDocker gives the image Docker's media types instead of OCI's.
func WithDocker() ImageOption { return func(d *draft) { d.docker = true } }

// WithPlatform makes the image one for "os/architecture[/variant]". Without it
// an image is for linux/amd64.
func WithPlatform(platform string) ImageOption {
	return func(d *draft) { d.config.Platform = parsePlatform(platform) }
}

// WithLayers replaces the image's own two layers. A layer that several images
// are given is the same blob in all of them.
func WithLayers(layers ...Blob) ImageOption {
	return func(d *draft) { d.layers = layers }
}

// WithConfig edits the image's configuration: labels, time of creation, …
func WithConfig(edit func(*ocispec.Image)) ImageOption {
	return func(d *draft) { edit(&d.config) }
}

// RandomImage makes an image whose bytes depend on seed and options only: two
// layers of about a kilobyte, for linux/amd64, with OCI media types.
func RandomImage(seed int, options ...ImageOption) Image {
	created := time.Date(2025, 1, 1, 0, seed, 0, 0, time.UTC)
	d := draft{
		layers: []Blob{RandomLayer(2*seed, 1000), RandomLayer(2*seed+1, 1000)},
		config: ocispec.Image{
			Created:  &created,
			Platform: parsePlatform("linux/amd64"),
			Config:   ocispec.ImageConfig{Labels: map[string]string{"seed": fmt.Sprint(seed)}},
			RootFS:   ocispec.RootFS{Type: "layers"},
		},
	}
	for _, option := range options {
		option(&d)
	}
	return d.image()
}

func (d draft) image() Image {
	manifestType, configType := ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig
	if d.docker {
		manifestType, configType = DockerManifest, DockerConfig
	}
	layers := make([]Blob, len(d.layers))
	for i, layer := range d.layers {
		layers[i] = layer
		if d.docker && layer.MediaType == ocispec.MediaTypeImageLayerGzip {
			layers[i].MediaType = DockerLayer
		}
		d.config.RootFS.DiffIDs = append(d.config.RootFS.DiffIDs, layer.diffID())
	}
	config := Blob{MediaType: configType, Content: encode(d.config)}
	platform := d.config.Platform
	image := fromBlobs(ocispec.Manifest{MediaType: manifestType}, config, layers...)
	image.Platform = &platform
	return image
}

// fromBlobs completes manifest by its blobs.
func fromBlobs(manifest ocispec.Manifest, config Blob, layers ...Blob) Image {
	manifest.Versioned = specs.Versioned{SchemaVersion: 2}
	manifest.Config = config.Descriptor()
	manifest.Layers = []ocispec.Descriptor{}
	for _, layer := range layers {
		manifest.Layers = append(manifest.Layers, layer.Descriptor())
	}
	return Image{
		MediaType: manifest.MediaType,
		Manifest:  encode(manifest),
		Blobs:     append([]Blob{config}, layers...),
	}
}

func parsePlatform(text string) ocispec.Platform {
	parts := append(strings.SplitN(text, "/", 3), "", "")
	return ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

// encode cannot fail: it is given types of the image specification only.
func encode(value any) []byte {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return content
}
