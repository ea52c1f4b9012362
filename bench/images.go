package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// Media types of the OCI image specification.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// mediaTypes is how an image's parts are called.
type mediaTypes struct{ manifest, config, layer string }

var (
	ociTypes = mediaTypes{manifestType, configType, layerType}
	// Those of Docker's image manifest, version 2, schema 2.
	dockerTypes = mediaTypes{
		"application/vnd.docker.distribution.manifest.v2+json",
		"application/vnd.docker.container.image.v1+json",
		"application/vnd.docker.image.rootfs.diff.tar.gzip",
	}
)

// repository is images by tag, in the order of their tags.
type repository struct {
	name   string
	images []image
}

// image is what a tag names: with platforms, an index of an image for each.
type image struct {
	tag       string
	layers    []layer
	platform  string // of an image that is none; linux/amd64 without
	platforms []string
	docker    bool // of Docker's media types, and not of OCI's
	// note makes the manifest differ from others with the same layers.
	note string
}

func (i image) types() mediaTypes {
	if i.docker {
		return dockerTypes
	}
	return ociTypes
}

// layer is random bytes, the same ones for the same seed. They begin as gzip
// does, so that no tool compresses them once more.
type layer struct {
	seed uint64
	size int64
}

var gzipStart = "\x1f\x8b\x08"

func (l layer) reader() io.Reader {
	var seed [32]byte
	copy(seed[:], fmt.Sprintf("%032d", l.seed))
	random := io.LimitReader(rand.NewChaCha8(seed), l.size-int64(len(gzipStart)))
	return io.MultiReader(strings.NewReader(gzipStart), random)
}

func (l layer) digest() string {
	hash := sha256.New()
	_, _ = io.Copy(hash, l.reader()) // neither can fail
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

type descriptor struct {
	MediaType string         `json:"mediaType"`
	Digest    string         `json:"digest"`
	Size      int64          `json:"size"`
	Platform  map[string]any `json:"platform,omitempty"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        *descriptor       `json:"config,omitempty"`
	Layers        []descriptor      `json:"layers,omitempty"`
	Manifests     []descriptor      `json:"manifests,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// configOf is an image's configuration, unique to its layers.
func configOf(platform map[string]any, layers []descriptor) []byte {
	var digests []string
	for _, l := range layers {
		digests = append(digests, l.Digest)
	}
	return encode(map[string]any{
		"os": platform["os"], "architecture": platform["architecture"], "variant": platform["variant"],
		"rootfs": map[string]any{"type": "layers", "diff_ids": digests},
	})
}

// encode is JSON of what can always be encoded.
func encode(value any) []byte {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return content
}

// platformOf takes "os/architecture[/variant]" apart.
func platformOf(name string) map[string]any {
	parts := strings.Split(name, "/")
	platform := map[string]any{"os": parts[0], "architecture": parts[1]}
	if len(parts) > 2 {
		platform["variant"] = parts[2]
	}
	return platform
}
