package run_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestASignedImageGoesThroughTwoRegistriesByteForByte(t *testing.T) {
	t.Parallel()
	source, between, destination := registrytest.Start(t), registrytest.Distribution(t), registrytest.Start(t)
	s := pushSigned(t, source, "team/app", "1.0")

	first := newLab(t, "docker://"+between.Host()).sync(oneOf(source, "team/app", "1.0") + withReferrers)
	second := newLab(t, "docker://"+destination.Host()).sync(oneOf(between, "team/app", "1.0") + withReferrers)

	requireAll(t, report.Done, first)
	requireAll(t, report.Done, second)
	require.Len(t, second, 6)
	s.requireSigned(t, source, between)
	s.requireSigned(t, source, destination)
	for i := range first {
		require.Equal(t, first[i].Digest, second[i].Digest)
		require.True(t, first[i].Verified)
	}
	requireAll(t, report.Unchanged, newLab(t, "docker://"+between.Host()).sync(oneOf(source, "team/app", "1.0")+withReferrers))
}

func TestWhatIsNoOrdinaryImageIsCopiedByteForByte(t *testing.T) {
	t.Parallel()
	inner := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	wasm := registrytest.Blob{MediaType: "application/wasm", Content: []byte("\x00asm")}
	cases := map[string]registrytest.Image{
		"an index in an index":              registrytest.Index(inner, registrytest.RandomImage(9)),
		"an OCI artifact":                   registrytest.Artifact(nil, "application/vnd.example.module", wasm),
		"an artifact with the empty config": registrytest.Artifact(nil, "application/vnd.example.empty"),
		"an artifact in an index":           registrytest.Index(registrytest.Artifact(nil, "application/vnd.example.module", wasm)),
		"an index of nothing":               registrytest.Index(),
		"a Docker list":                     registrytest.ManifestList(registrytest.RandomImage(3, registrytest.WithDocker())),
		"an image with the same layer twice": registrytest.RandomImage(4,
			registrytest.WithLayers(registrytest.RandomLayer(1, 10), registrytest.RandomLayer(1, 10))),
		"an image with an empty layer": registrytest.RandomImage(5,
			registrytest.WithLayers(registrytest.Blob{MediaType: "application/vnd.oci.image.layer.v1.tar"})),
		"an image without layers":           registrytest.RandomImage(6, registrytest.WithLayers()),
		"the same instance under two names": registrytest.Index(inner.Children[0], inner.Children[0]),
	}
	for name, image := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Distribution(t)
			sum := source.Push(t, "thing", "1.0", image)
			l := newLab(t, "docker://"+destination.Host())

			results := l.sync(oneOf(source, "thing", "1.0"))

			requireAll(t, report.Done, results)
			require.Equal(t, sum, results[0].Digest)
			require.Equal(t, source.Image(t, "thing", "1.0"), destination.Image(t, "thing", "1.0"))
			requireAll(t, report.Unchanged, l.sync(oneOf(source, "thing", "1.0")))
		})
	}
}

func TestAnArtifactManifestOfORASIsCopied(t *testing.T) {
	t.Parallel()
	// olareg takes no such manifest, so a front answers for it.
	source, destination := registrytest.Start(t), registrytest.Start(t)
	blob := registrytest.Blob{MediaType: "application/spdx+json", Content: []byte("{\"a\":1}")}
	holder := registrytest.Artifact(nil, "application/x", blob)
	source.Push(t, "thing", "holder", holder)
	oras := registrytest.Image{MediaType: artifactManifest, Manifest: fmt.Appendf(nil,
		`{"mediaType":%q,"artifactType":"application/spdx+json","blobs":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
		artifactManifest, blob.MediaType, blob.Digest(), blob.Size())}
	source.Intercept(serving(oras, "1.0"))
	var written bytes.Buffer
	destination.Intercept(taking(oras, &written))

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "thing", "1.0"))

	requireAll(t, report.Done, results)
	require.Equal(t, oras.Digest(), results[0].Digest)
	require.Equal(t, string(oras.Manifest), written.String())
	require.True(t, destination.HasBlob(t, "thing", blob.Digest()))
}

func TestARegistryThatRefusesWhatIsIncompleteTakesEveryOrder(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Distribution(t)
	shared := registrytest.RandomLayer(1, 1000)
	var repositories []string
	for i := range 8 {
		repository := fmt.Sprintf("team/app%d", i)
		repositories = append(repositories, repository)
		source.Push(t, repository, "1.0", registrytest.Index(
			registrytest.RandomImage(2*i, registrytest.WithLayers(shared)),
			registrytest.RandomImage(2*i+1, registrytest.WithPlatform("linux/arm64"), registrytest.WithLayers(shared))))
	}
	l := newLab(t, "docker://"+destination.Host())
	l.jobs = 64

	requireAll(t, report.Done, l.sync(allOf(source, repositories...)))

	require.Equal(t, 7, destination.Count(registrytest.Mount), destination.Counts())
}
