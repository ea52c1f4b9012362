package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/registry/registrytest"
)

// platforms are those of every image of the demo.
var platforms = []string{"linux/amd64", "linux/arm64", "linux/ppc64le"}

// The repositories of the source, one for each kind of index.
const (
	ociRepository    = "team/csync"
	dockerRepository = "team/csync-docker"
)

// buildLayers builds csync for each platform and makes a layer of the binary.
func buildLayers(ctx context.Context, root shell, scratch string) (map[string]registrytest.Blob, error) {
	layers := map[string]registrytest.Blob{}
	for _, platform := range platforms {
		system, architecture, _ := strings.Cut(platform, "/")
		binary := filepath.Join(scratch, "csync-"+architecture)
		line := fmt.Sprintf("CGO_ENABLED=0 GOOS=%s GOARCH=%s go build -tags containers_image_openpgp,exclude_graphdriver_btrfs -trimpath -ldflags '-s -w' -o %s ./cmd/csync",
			system, architecture, binary)
		if err := root.run(ctx, line); err != nil {
			return nil, err
		}
		content, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}
		layers[platform] = registrytest.FileLayer("csync", content)
	}
	return layers, nil
}

// stock makes the images of the source registry. All versions share their
// layers and differ in their configs.
type stock struct{ layers map[string]registrytest.Blob }

// oci is an OCI index of all platforms.
func (s stock) oci(version string) registrytest.Image {
	return registrytest.Index(s.instances(version)...)
}

// docker is a Docker manifest list of all platforms.
func (s stock) docker(version string) registrytest.Image {
	return registrytest.ManifestList(s.instances(version, registrytest.WithDocker())...)
}

func (s stock) instances(version string, options ...registrytest.ImageOption) []registrytest.Image {
	label := func(config *ocispec.Image) {
		created := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		config.Created = &created
		config.Config.Entrypoint = []string{"/csync"}
		config.Config.Labels = map[string]string{ocispec.AnnotationVersion: version}
	}
	var instances []registrytest.Image
	for _, platform := range platforms {
		instances = append(instances, registrytest.RandomImage(1, append(options,
			registrytest.WithPlatform(platform), registrytest.WithLayers(s.layers[platform]), registrytest.WithConfig(label))...))
	}
	return instances
}

// fill puts everything into the source.
func (s stock) fill(source *registrytest.Registry) error {
	for _, put := range []struct {
		repository, tag string
		image           registrytest.Image
	}{
		{ociRepository, "1.0", s.oci("1.0")},
		{ociRepository, "1.1", s.oci("1.1")},
		{ociRepository, "latest", s.oci("1.1")},
		{dockerRepository, "1.0", s.docker("1.0")},
		{dockerRepository, "1.1", s.docker("1.1")},
		{dockerRepository, "nightly", s.docker("nightly")},
	} {
		if err := source.Put(put.repository, put.tag, put.image); err != nil {
			return fmt.Errorf("filling the source: %w", err)
		}
	}
	return nil
}
