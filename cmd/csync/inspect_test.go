package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// images are what the golden outputs show, by repository.
func images() map[string]registrytest.Image {
	docker := registrytest.RandomImage(3, registrytest.WithDocker(), registrytest.WithConfig(func(c *ocispec.Image) {
		c.Config.Labels = map[string]string{"org.label-schema.name": "three", "maintainer": "a <a@example.com>"}
	}))
	signed := registrytest.RandomImage(4)
	return map[string]registrytest.Image{
		"attested": registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm/v7")),
		"docker":   docker,
		"sbom":     registrytest.Artifact(&signed, "application/spdx+json", registrytest.Blob{MediaType: "application/spdx+json", Content: []byte("{}\n")}),
		"nested":   registrytest.Index(registrytest.Index(signed), docker),
	}
}

func TestInspectShowsEveryPart(t *testing.T) {
	registry := registrytest.Start(t)
	for repository, image := range images() {
		registry.Push(t, repository, "1", image)
		t.Run(repository, func(t *testing.T) {
			reference := "docker://" + registry.Host() + "/" + repository + ":1"
			for _, format := range []string{"json", "text"} {
				got := runCsync(t, "inspect", "--tls-verify=false", "--output", format, reference)
				require.Equal(t, exitDone, got.code, got.err)
				requireGolden(t, repository+"."+format, registry, got.out)
			}
		})
	}
}

func TestInspectReadsEachManifestAndConfigOnce(t *testing.T) {
	registry := registrytest.Start(t)
	registry.Push(t, "app", "1", images()["attested"])
	got := runCsync(t, "inspect", "--tls-verify=false", registry.Host()+"/app:1")
	require.Equal(t, exitDone, got.code, got.err)
	require.Equal(t, 5, registry.Count(registrytest.ManifestGet), registry.Counts())
	require.Equal(t, 4, registry.Count(registrytest.BlobGet), registry.Counts())
}

func TestInspectWritesManifestAndConfigAsTheyAre(t *testing.T) {
	registry := registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/s390x")
	registry.Push(t, "app", "1", index)
	config := string(index.Children[1].Blobs[0].Content)
	inspect := func(flags ...string) string {
		got := runCsync(t, append([]string{"inspect", "--tls-verify=false", registry.Host() + "/app:1"}, flags...)...)
		require.Equal(t, exitDone, got.code, got.err)
		return got.out
	}
	require.Equal(t, string(index.Manifest), inspect("--raw"))
	require.Equal(t, config, inspect("--override-arch=s390x", "--override-os=linux", "--raw", "--config"))
	indented := inspect("--override-arch=s390x", "--override-os=linux", "--config")
	require.JSONEq(t, config, indented)
	require.True(t, strings.HasPrefix(indented, "{\n  "), indented)
}

func TestInspectOfAMissingImageSaysSo(t *testing.T) {
	registry := registrytest.Start(t)
	reference := "docker://" + registry.Host() + "/app:1"
	got := runCsync(t, "inspect", "--tls-verify=false", reference)
	require.Equal(t, exitNoRun, got.code)
	require.Empty(t, got.out)
	require.Contains(t, got.err, "csync: "+reference+": reading manifest")
	require.Equal(t, 1, strings.Count(got.err, reference), got.err)
}

func TestInspectShowsTheOthersWhenOneCannotBeRead(t *testing.T) {
	registry := registrytest.Start(t)
	registry.Push(t, "app", "1", images()["docker"])
	got := runCsync(t, "inspect", "--tls-verify=false", registry.Host()+"/app:1", registry.Host()+"/app:2")
	require.Equal(t, exitFailures, got.code)
	var documents []struct {
		Reference, Digest string
		Error             *struct{ Kind string }
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &documents))
	require.Len(t, documents, 2)
	require.Equal(t, "docker://"+registry.Host()+"/app:1", documents[0].Reference)
	require.Equal(t, images()["docker"].Digest().String(), documents[0].Digest)
	require.Nil(t, documents[0].Error)
	require.Equal(t, "not-found", documents[1].Error.Kind)
	require.Contains(t, got.err, "/app:2")
}

func TestInspectNamesInstancesThatAreMissing(t *testing.T) {
	registry := registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/s390x")
	registry.Push(t, "app", "1", index)
	registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		gone := strings.HasSuffix(r.URL.Path, index.Children[1].Digest().String())
		if gone {
			w.WriteHeader(http.StatusNotFound)
		}
		return gone
	})
	got := runCsync(t, "inspect", "--tls-verify=false", "--output", "text", registry.Host()+"/app:1")
	require.Equal(t, exitDone, got.code, got.err)
	require.Regexp(t, `linux/s390x\n +digest +sha256:\w+\n +media type .*\n +missing `, got.out)
}
