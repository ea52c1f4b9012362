package run_test

import (
	"encoding/json"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestAPlatformFilterKeepsTheChosenInstancesAndTheirAttestations(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/ppc64le"))
	sum := source.Push(t, "app", "1.0", index)
	l := newLab(t, "docker://"+destination.Host())

	results := l.sync(oneOf(source, "app", "1.0", "csync: {platforms: [linux/ppc64le, linux/amd64]}"))

	requireAll(t, report.Done, results)
	require.Equal(t, sum, results[0].SourceDigest)
	require.NotEqual(t, sum, results[0].Digest)
	require.Equal(t, []string{"linux/amd64", "linux/ppc64le"}, results[0].Platforms)
	want := registrytest.Index(index.Children[0], index.Children[2], index.Children[3], index.Children[5])
	require.Equal(t, string(want.Manifest), string(destination.Manifest(t, "app", "1.0")), "bytes otherwise as they were")
	require.Equal(t, want.Digest(), results[0].Digest)
	require.False(t, destination.HasTag(t, "app", index.Children[1].Digest().String()))
	requireAll(t, report.Unchanged, l.sync(oneOf(source, "app", "1.0", "csync: {platforms: [linux/ppc64le, linux/amd64]}")))
}

func TestAPlatformFilterWorksOnDockerListsAndLeavesOddBytesAlone(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	list := registrytest.ManifestList(
		registrytest.RandomImage(1, registrytest.WithDocker()),
		registrytest.RandomImage(2, registrytest.WithDocker(), registrytest.WithPlatform("linux/s390x")))
	amd64, err := json.Marshal(list.Children[0].Descriptor())
	require.NoError(t, err)
	s390x, err := json.Marshal(list.Children[1].Descriptor())
	require.NoError(t, err)
	const before, after = "{\n   \"schemaVersion\": 2 ,\n\t\"manifests\": [\n      ", "\n   ],\n \"mediaType\":\"" + registrytest.DockerList + "\", \"x-odd\": 1.50\n}\n"
	list.Manifest = []byte(before + string(amd64) + ",\n      " + string(s390x) + after)
	source.Push(t, "app", "1.0", list)

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0", "csync: {platforms: [s390x]}"))

	requireAll(t, report.Done, results)
	require.Equal(t, before+string(s390x)+after, string(destination.Manifest(t, "app", "1.0")))
	require.Equal(t, registrytest.DockerList, results[0].MediaType)
}

func TestVariantsOfAPlatformAreTold(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ filter, chosen []string }{
		"a variant is chosen by its name":      {[]string{"linux/arm/v7"}, []string{"linux/arm/v7"}},
		"no variant takes every variant":       {[]string{"linux/arm"}, []string{"linux/arm/v6", "linux/arm/v7"}},
		"arm64 is arm64/v8":                    {[]string{"linux/arm64/v8"}, []string{"linux/arm64"}},
		"the order is the index's, each once":  {[]string{"linux/arm64", "linux/arm/v6", "arm64"}, []string{"linux/arm/v6", "linux/arm64"}},
		"a bare architecture is Linux's of it": {[]string{"amd64"}, []string{"linux/amd64"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "windows/amd64"))
			filter, err := json.Marshal(c.filter)
			require.NoError(t, err)

			results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0", "csync: {platforms: "+string(filter)+"}"))

			requireAll(t, report.Done, results)
			require.Equal(t, c.chosen, results[0].Platforms)
			require.Len(t, destination.Image(t, "app", "1.0").Children, len(c.chosen))
		})
	}
}

func TestAMissingPlatformIsAFailureUnlessItMayBeMissing(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	file := oneOf(source, "app", "1.0", "csync: {platforms: [linux/amd64, linux/s390x]}")
	l := newLab(t, "docker://"+destination.Host())

	results := l.sync(file)

	requireFailure(t, results[0], fault.NotFound, fault.Source, "linux/s390x", "linux/arm64", "--allow-missing-platforms")
	requireOnlyReads(t, destination)
	l.request.AllowMissing = true
	results = l.sync(file)
	requireAll(t, report.Done, results)
	require.Equal(t, []string{"linux/amd64"}, results[0].Platforms)
}

func TestAnImageOfAnotherPlatformIsSkippedAndSaysSo(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "amd64", registrytest.RandomImage(1))
	sum := source.Push(t, "app", "arm64", registrytest.RandomImage(2, registrytest.WithPlatform("linux/arm64")))

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app") + "  csync: {platforms: [linux/arm64], repositories: {app: {referrers: true}}}\n")

	require.Len(t, results, 2)
	require.Equal(t, report.Skipped, results[0].Status)
	require.Contains(t, results[0].Reason, "linux/amd64")
	require.Equal(t, report.Done, results[1].Status)
	require.Equal(t, sum, results[1].Digest)
	require.Equal(t, []string{"linux/arm64"}, results[1].Platforms)
	require.Equal(t, []string{"arm64"}, destination.Tags(t, "app"))
}

func TestEveryPlatformChosenIsTheSourcesDigest(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "app", "1.0", registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")))

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0", "csync: {platforms: [linux/arm64, linux/amd64]}"))

	requireAll(t, report.Done, results)
	require.Equal(t, sum, results[0].Digest)
}

func TestPlatformsOfARepositoryReplaceThoseOfTheRegistry(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for _, repository := range []string{"team/app", "team/lib", "web"} {
		source.Push(t, repository, "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x"))
	}

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/app", "team/lib", "web") + `  csync:
    platforms: [linux/amd64]
    repositories:
      'team/*': {platforms: [linux/arm64]}
      team/lib: {platforms: []}
`)

	requireAll(t, report.Done, results)
	require.Equal(t, []string{"linux/arm64"}, results[0].Platforms)
	require.Equal(t, []string{"linux/amd64", "linux/arm64", "linux/s390x"}, results[1].Platforms)
	require.Equal(t, []string{"linux/amd64"}, results[2].Platforms)
}

func TestAnIndexGivesItsInstanceForTheSystemAsSkopeoDoes(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm/v7")
	source.Push(t, "app", "1.0", index)
	l := newLab(t, "docker://"+destination.Host())
	system := *l.system
	system.OSChoice, system.ArchitectureChoice, system.VariantChoice = "linux", "arm", "v7"
	l.request.SelectSystem = &system

	results := l.sync(oneOf(source, "app", "1.0"))

	requireAll(t, report.Done, results)
	require.Equal(t, index.Children[1].Digest(), results[0].Digest)
	require.Equal(t, v1.MediaTypeImageManifest, results[0].MediaType)
	requireAll(t, report.Unchanged, l.sync(oneOf(source, "app", "1.0")))
}
