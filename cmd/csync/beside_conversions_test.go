package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/manifest"

	"csync/sync/registry/registrytest"
)

// conversion is an image that has to become another one at its destination, or
// must not.
type conversion struct {
	flags       string
	image       string
	destination string // "taking" or "refusing", which takes no OCI manifests, or "dir"
}

var conversions = []conversion{
	{"", "docker", "refusing"},
	{"", "oci", "refusing"},
	{"", "oci", "taking"},
	{"--all", "index", "refusing"},
	{"--all", "mixed", "refusing"},
	{"--all", "list", "refusing"},
	{"--all --preserve-digests", "index", "refusing"},
	{"--preserve-digests", "oci", "refusing"},
	{"", "plain", "taking"},
	{"", "plain", "dir"},
	{"", "plain", "refusing"},
	{"", "docker-plain", "taking"},
	{"--preserve-digests", "plain", "taking"},
	{"--format oci", "docker", "taking"},
	{"--format oci", "oci", "taking"},
	{"--format oci", "oci", "refusing"},
	{"--format oci", "plain", "taking"},
	{"--format v2s2", "oci", "taking"},
	{"--format v2s2", "plain", "taking"},
	{"--format v2s2", "docker", "taking"},
	{"--format v2s2", "oci", "refusing"},
	{"--format oci --all", "list", "taking"},
	{"--format oci --all", "mixed", "taking"},
	{"--format v2s2 --all", "index", "taking"},
	{"--format v2s2 --all", "attested", "taking"},
	{"--format v2s2 --all", "mixed", "taking"},
	{"--format v2s1", "oci", "dir"},
	{"--format v2s1", "docker", "dir"},
	{"--format v2s1 --all", "list", "dir"},
	{"--format v2s2", "oci", "dir"},
	{"--format v2s2", "plain", "dir"},
	{"--format oci", "docker", "dir"},
	{"--format oci --all", "list", "dir"},
	{"--format v2s2 --all", "index", "dir"},
	{"--format v2s2 --all --preserve-digests", "index", "taking"},
	{"--format v2s2 --preserve-digests", "oci", "taking"},
	{"--format oci --preserve-digests", "docker", "dir"},
	{"--format v2s2", "artifact", "taking"},
	{"", "artifact", "refusing"},
}

// convertible are the images that conversions are about.
func convertible() map[string]registrytest.Image {
	docker, arm := registrytest.WithDocker(), registrytest.WithPlatform("linux/arm64")
	history := registrytest.WithConfig(func(c *v1.Image) { // without which there is no schema 1
		c.History = []v1.History{{CreatedBy: "ADD"}, {CreatedBy: "CMD", EmptyLayer: true}, {CreatedBy: "COPY"}}
	})
	plain := registrytest.Blob{MediaType: v1.MediaTypeImageLayer, Content: unzipped(registrytest.RandomLayer(3, 3000))}
	dockerPlain := plain
	dockerPlain.MediaType = manifest.DockerV2SchemaLayerMediaTypeUncompressed
	return map[string]registrytest.Image{
		"docker": registrytest.RandomImage(31, docker, history), "oci": registrytest.RandomImage(31, history),
		"plain":        registrytest.RandomImage(32, registrytest.WithLayers(registrytest.RandomLayer(4, 100), plain)),
		"docker-plain": registrytest.RandomImage(33, docker, registrytest.WithLayers(dockerPlain)),
		"index":        registrytest.Index(registrytest.RandomImage(34), registrytest.RandomImage(35, arm)),
		"mixed":        registrytest.Index(registrytest.RandomImage(36, docker), registrytest.RandomImage(37, arm)),
		"list":         registrytest.ManifestList(registrytest.RandomImage(38, docker, history), registrytest.RandomImage(39, docker, arm, history)),
		"attested":     registrytest.WithAttestations(registrytest.Index(registrytest.RandomImage(40))),
		"artifact":     registrytest.Artifact(nil, "application/vnd.test", registrytest.RandomLayer(5, 100)),
	}
}

// TestConversionsBesideSkopeo compares what becomes of images that cannot stay as
// they are, or that a format is asked for.
func TestConversionsBesideSkopeo(t *testing.T) {
	t.Parallel()
	skopeo := realSkopeo(t)
	s := newStage(t, skopeo)
	for name, image := range convertible() {
		s.source.Push(t, "lib/"+name, "1", image)
	}
	for _, c := range conversions {
		t.Run(strings.Join(strings.Fields(c.flags+" "+c.image+" "+c.destination), " "), func(t *testing.T) {
			t.Parallel()
			ends, shapes := map[string]end{}, map[string]string{}
			for program := range s.programs {
				ends[program], shapes[program] = s.convert(t, program, c)
			}
			what := fmt.Sprintf("-- skopeo: %s\n-- csync: %s", ends["skopeo"].errors, ends["csync"].errors)
			require.Equal(t, ends["skopeo"].code, ends["csync"].code, what)
			require.Equal(t, shapes["skopeo"], shapes["csync"], what)
		})
	}
}

// TestFilesBesideSkopeo compares what registries get of directories and archives,
// which keep layers that are not compressed.
func TestFilesBesideSkopeo(t *testing.T) {
	t.Parallel()
	skopeo := realSkopeo(t)
	s, directory := newStage(t, skopeo), t.TempDir()
	s.source.Push(t, "lib/plain", "1", convertible()["plain"])
	from, images, tar := "docker://"+s.source.Host()+"/lib/plain:1", filepath.Join(directory, "images"), filepath.Join(directory, "images.tar")
	require.NoError(t, os.Mkdir(images, 0o755))
	for _, made := range []string{"dir:" + filepath.Join(images, "plain:1"), "docker-archive:" + tar + ":plain:1"} {
		end := s.run(t, "skopeo", directory, "copy", from, made)
		require.Zero(t, end.code, end.errors)
	}
	for name, lines := range map[string]map[string][]string{
		"a directory": {
			"skopeo": {"sync", "--src", "dir", "--dest", "docker", images, "REGISTRY"},
			"csync":  {"sync", "--src", "dir", "--dest", "docker", images, "REGISTRY"},
		},
		"a directory as it is": {
			"skopeo": {"sync", "--preserve-digests", "--src", "dir", "--dest", "docker", images, "REGISTRY"},
			"csync":  {"--src", "dir:" + images, "--dest", "docker://REGISTRY"},
		},
		"an archive": {
			"skopeo": {"copy", "docker-archive:" + tar + ":plain:1", "docker://REGISTRY/plain:1"},
			"csync":  {"--src", "docker-archive:" + tar, "--dest", "docker://REGISTRY"},
		},
		"an archive as OCI": {
			"skopeo": {"copy", "--format", "oci", "docker-archive:" + tar + ":plain:1", "docker://REGISTRY/plain:1"},
			"csync":  {"--format", "oci", "--src", "docker-archive:" + tar, "--dest", "docker://REGISTRY"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shapes := map[string]string{}
			for program, line := range lines {
				registry := registrytest.Start(t)
				var args []string
				for _, argument := range append(line, "--dest-tls-verify=false") {
					args = append(args, strings.ReplaceAll(argument, "REGISTRY", registry.Host()))
				}
				end := s.run(t, program, directory, args...)
				require.Zero(t, end.code, end.errors)
				shapes[program] = shapeOf(pushed{t, registry, "plain"}, "1", "")
			}
			require.Equal(t, shapes["skopeo"], shapes["csync"])
		})
	}
}

// refusingOCI answers as registries do that know Docker's manifests only.
func refusingOCI(w http.ResponseWriter, req *http.Request) bool {
	if req.Method != http.MethodPut || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/vnd.oci.") {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"errors": [{"code": "MANIFEST_INVALID", "message": "manifest invalid"}]}`))
	return true
}

func unzipped(layer registrytest.Blob) []byte {
	var plain bytes.Buffer
	reader, err := gzip.NewReader(bytes.NewReader(layer.Content))
	if err == nil {
		_, err = plain.ReadFrom(reader)
	}
	if err != nil {
		panic(err)
	}
	return plain.Bytes()
}

// convert runs a program, and says what is at the destination then.
func (s *stage) convert(t *testing.T, program string, c conversion) (end, string) {
	t.Helper()
	directory := t.TempDir()
	args := append([]string{"sync", "--src-tls-verify=false", "--dest-tls-verify=false"}, strings.Fields(c.flags)...)
	args = append(args, "--src", "docker")
	source := s.source.Host() + "/lib/" + c.image + ":1"
	if c.destination == "dir" {
		result := s.run(t, program, directory, append(args, "--dest", "dir", source, "out")...)
		return result, shapeOf(directoryFiles{t, filepath.Join(directory, "out", c.image+":1")}, "", "")
	}
	registry := registrytest.Start(t) // its own, because skopeo remembers what is where
	if c.destination == "refusing" {
		registry.Intercept(refusingOCI)
	}
	result := s.run(t, program, directory, append(args, "--dest", "docker", source, registry.Host())...)
	if !registry.HasTag(t, c.image, "1") {
		return result, ""
	}
	return result, shapeOf(pushed{t, registry, c.image}, "1", "")
}

// manifests are read by their tag or digest.
type manifests interface{ manifest(reference string) []byte }

type pushed struct {
	t          *testing.T
	registry   *registrytest.Registry
	repository string
}

func (p pushed) manifest(reference string) []byte {
	return p.registry.Manifest(p.t, p.repository, reference)
}

type directoryFiles struct {
	t    *testing.T
	path string
}

func (d directoryFiles) manifest(reference string) []byte {
	name := "manifest.json"
	if reference != "" {
		name = digest.Digest(reference).Encoded() + "." + name
	}
	content, err := os.ReadFile(filepath.Join(d.path, name))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(d.t, err)
	return content
}

// shapeOf lists the media types and digests of a manifest and all below it. The
// signature that schema 1 has in it is another one each time.
func shapeOf(from manifests, reference, indent string) string {
	content := from.manifest(reference)
	var document struct {
		Config            *v1.Descriptor
		Layers, Manifests []v1.Descriptor
		FSLayers          []struct{ BlobSum string }
		History           []struct{ V1Compatibility string }
	}
	if content == nil || json.Unmarshal(content, &document) != nil {
		return ""
	}
	kind := manifest.GuessMIMEType(content)
	sum, _ := manifest.Digest(content)
	shape := indent + kind + " " + sum.String() + "\n"
	if document.Config != nil {
		document.Layers = append([]v1.Descriptor{*document.Config}, document.Layers...)
	}
	for _, d := range document.Layers {
		shape += indent + "  " + d.MediaType + " " + d.Digest.String() + "\n"
	}
	for i, layer := range document.FSLayers {
		shape += indent + "  " + layer.BlobSum + " " + document.History[i].V1Compatibility + "\n"
	}
	for _, d := range document.Manifests {
		shape += indent + "  " + fmt.Sprint(d.Platform.Architecture, " ", d.MediaType) + "\n" + shapeOf(from, d.Digest.String(), indent+"  ")
	}
	return shape
}
