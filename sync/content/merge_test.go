package content

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

// For the rules named after pubtools, compare pubtools-quay 0.33 and its
// manifest_list_merger.py.

// build is an image of a build for a platform; another build's is another.
func build(number int, platform string, options ...registrytest.ImageOption) registrytest.Image {
	seed := 1000*number + len(platform)
	return registrytest.RandomImage(seed, append(options, registrytest.WithPlatform(platform))...)
}

func builds(number int, platforms ...string) []registrytest.Image {
	images := make([]registrytest.Image, len(platforms))
	for i, platform := range platforms {
		images[i] = build(number, platform)
	}
	return images
}

// indexOf lists the images of a build for the platforms.
func indexOf(number int, platforms ...string) registry.Manifest {
	return manifestOf(registrytest.Index(builds(number, platforms...)...))
}

// imageOf is a manifest that says for which platform it is.
func imageOf(number int, platform string) registry.Manifest {
	image := build(number, platform)
	m := manifestOf(image)
	m.Platform = image.Platform
	return m
}

// listed are the entries of an index, by platform and build.
func listed(t *testing.T, m registry.Manifest) []string {
	t.Helper()
	var names []string
	for _, entry := range parsed(t, m).Manifests {
		name := PlatformName(*entry.Platform)
		for number, mark := range map[int]string{1: " new", 2: " old"} {
			if build(number, name).Digest() == entry.Digest {
				name += mark
			}
		}
		names = append(names, name)
	}
	return names
}

func TestEachRowOfTheDecisionTableHasAnOutcome(t *testing.T) {
	t.Parallel()
	nothing := registry.Manifest{}
	two, image := indexOf(1, "linux/amd64", "linux/s390x"), imageOf(1, "linux/amd64")
	for _, c := range []struct {
		name                string
		source, destination registry.Manifest
		want                []string // nil: the source itself
		kept                int
	}{
		{"an index over nothing", two, nothing, nil, 0},
		{"an index over itself", two, two, nil, 0},
		{"an index over an image for one of its platforms", two, imageOf(2, "linux/s390x"), nil, 0},
		{
			"an index over an image for another platform", two, imageOf(2, "linux/arm64"),
			[]string{"linux/amd64 new", "linux/s390x new", "linux/arm64 old"},
			1,
		},
		{"an index over one of no other platform", two, indexOf(2, "linux/s390x"), nil, 0},
		{
			"an index over one with others", two, indexOf(2, "linux/ppc64le", "linux/amd64", "linux/arm64"),
			[]string{"linux/amd64 new", "linux/s390x new", "linux/ppc64le old", "linux/arm64 old"},
			2,
		},
		{"an image over nothing", image, nothing, nil, 0},
		{"an image over itself", image, image, nil, 0},
		{"an image over one for its platform", image, imageOf(2, "linux/amd64"), nil, 0},
		{"an image over one for another", image, imageOf(2, "linux/s390x"), []string{"linux/amd64 new", "linux/s390x old"}, 1},
		{
			"an image over an index with its platform", image, indexOf(2, "linux/s390x", "linux/amd64", "linux/arm64"),
			[]string{"linux/s390x old", "linux/amd64 new", "linux/arm64 old"},
			2,
		},
		{
			"an image over an index without", image, indexOf(2, "linux/s390x", "linux/arm64"),
			[]string{"linux/s390x old", "linux/arm64 old", "linux/amd64 new"},
			2,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			merged, err := Merge(c.source, c.destination)
			require.NoError(t, err)
			require.Len(t, merged.Kept, c.kept)
			if c.want == nil {
				require.Equal(t, c.source, merged.Manifest)
				return
			}
			require.Equal(t, c.want, listed(t, merged.Manifest))
			again, err := Merge(c.source, merged.Manifest)
			require.NoError(t, err)
			require.Equal(t, merged, again, "a second merge changes nothing")
		})
	}
}

func TestPubtoolsSourceEntriesComeFirstAndNothingIsSorted(t *testing.T) {
	t.Parallel()
	merged, err := Merge(indexOf(1, "linux/s390x", "linux/amd64"), indexOf(2, "linux/ppc64le", "linux/s390x", "linux/arm64"))
	require.NoError(t, err)
	require.Equal(t, []string{"linux/s390x new", "linux/amd64 new", "linux/ppc64le old", "linux/arm64 old"}, listed(t, merged.Manifest))
	require.Equal(t, "linux/ppc64le", PlatformName(*merged.Kept[0].Platform))
}

func TestPubtoolsArmV6OfTheSourceHidesNoArmV7(t *testing.T) {
	t.Parallel()
	merged, err := Merge(indexOf(1, "linux/arm/v6"), indexOf(2, "linux/arm/v7", "linux/arm/v6"))
	require.NoError(t, err)
	require.Equal(t, []string{"linux/arm/v6 new", "linux/arm/v7 old"}, listed(t, merged.Manifest))
}

func TestPubtoolsOneArchitectureMayBeOfSeveralSystemsAndVersionsOfThem(t *testing.T) {
	t.Parallel()
	version := func(image registrytest.Image, version string) registrytest.Image {
		p := *image.Platform
		p.OSVersion, image.Platform = version, &p
		return image
	}
	windows := build(2, "windows/amd64")
	source := manifestOf(registrytest.Index(build(1, "linux/amd64"), version(build(1, "windows/amd64"), "10.0.1")))
	destination := manifestOf(registrytest.Index(build(2, "linux/amd64"), version(windows, "10.0.1"), version(windows, "10.0.2")))
	merged, err := Merge(source, destination)
	require.NoError(t, err)
	require.Len(t, parsed(t, merged.Manifest).Manifests, 3)
	require.Len(t, merged.Kept, 1)
	require.Equal(t, "10.0.2", merged.Kept[0].Platform.OSVersion)
}

func TestPubtoolsListsOfBothKindsCanBeMergedAndTheTypeIsTheSources(t *testing.T) {
	t.Parallel()
	list := func(number int, platforms ...string) registry.Manifest {
		var images []registrytest.Image
		for _, platform := range platforms {
			images = append(images, build(number, platform, registrytest.WithDocker()))
		}
		return manifestOf(registrytest.ManifestList(images...))
	}
	for _, c := range []struct{ source, destination registry.Manifest }{
		{indexOf(1, "linux/amd64"), list(2, "linux/arm64")},
		{list(1, "linux/amd64"), indexOf(2, "linux/arm64")},
		{list(1, "linux/amd64"), list(2, "linux/arm64")},
	} {
		merged, err := Merge(c.source, c.destination)
		require.NoError(t, err)
		require.Equal(t, c.source.MediaType, merged.MediaType)
		index := parsed(t, merged.Manifest)
		require.Equal(t, append(parsed(t, c.source).Manifests, parsed(t, c.destination).Manifests...), index.Manifests)
	}
}

func TestPubtoolsTheDigestIsKeptWhereNothingIsMerged(t *testing.T) {
	t.Parallel()
	source := spaced(indexOf(1, "linux/amd64", "linux/s390x"))
	for _, destination := range []registry.Manifest{
		indexOf(2, "linux/amd64"), indexOf(2, "linux/s390x", "linux/amd64"), indexOf(1, "linux/s390x", "linux/amd64"),
	} {
		merged, err := Merge(source, destination)
		require.NoError(t, err)
		require.Equal(t, source, merged.Manifest)
	}
}

func TestPubtoolsSelectedPlatformsReplaceThoseOfTheDestinationAlone(t *testing.T) {
	t.Parallel()
	image := registrytest.Index(builds(1, "linux/amd64", "linux/s390x", "linux/arm64")...)
	chosen, err := (Selection{Platforms: []v1.Platform{{OS: "linux", Architecture: "s390x"}}}).Choose(t.Context(), stockOf(image), manifestOf(image))
	require.NoError(t, err)
	source := registry.Manifest{Descriptor: chosen.Descriptor, Bytes: chosen.Bytes}

	merged, err := Merge(source, indexOf(2, "linux/amd64", "linux/s390x"))
	require.NoError(t, err)
	require.Equal(t, []string{"linux/s390x new", "linux/amd64 old"}, listed(t, merged.Manifest))
	merged, err = Merge(source, registry.Manifest{})
	require.NoError(t, err)
	require.Equal(t, source, merged.Manifest)
}

// spaced is the manifest in another layout, as other tools write it.
func spaced(m registry.Manifest) registry.Manifest {
	text := strings.NewReplacer(`},{"mediaType"`, "},\n  {\"mediaType\"", `"manifests":[`, `"annotations": {"by": "other"}, "manifests": [`).Replace(string(m.Bytes))
	return raw(m.MediaType, text)
}

func TestWhatAMergeDoesNotTouchKeepsItsBytes(t *testing.T) {
	t.Parallel()
	source, destination := spaced(indexOf(1, "linux/amd64", "linux/s390x")), indexOf(2, "linux/arm64")
	merged, err := Merge(source, destination)
	require.NoError(t, err)
	before, _, _ := strings.Cut(string(source.Bytes), "]}")
	require.True(t, strings.HasPrefix(string(merged.Bytes), before), string(merged.Bytes))
	require.Equal(t, digest.FromBytes(merged.Bytes), merged.Digest)
	require.Contains(t, string(merged.Bytes), `"annotations": {"by": "other"}`)

	reordered := indexOf(1, "linux/s390x", "linux/amd64")
	there, err := Merge(reordered, destination)
	require.NoError(t, err)
	for _, same := range []registry.Manifest{source, reordered} {
		again, err := Merge(same, there.Manifest)
		require.NoError(t, err)
		require.Equal(t, there.Manifest, again.Manifest, "the destination has all of it")
	}
}

func TestAttestationsGoWithTheInstanceTheyAreAbout(t *testing.T) {
	t.Parallel()
	source := registrytest.WithAttestations(registrytest.Index(builds(1, "linux/amd64")...))
	destination := registrytest.WithAttestations(registrytest.Index(builds(2, "linux/arm64", "linux/amd64")...))
	arm64, old, ofArm64, ofOld := destination.Children[0], destination.Children[1], destination.Children[2], destination.Children[3]

	merged, err := Merge(manifestOf(source), manifestOf(destination))
	require.NoError(t, err)
	want := []v1.Descriptor{source.Children[0].Descriptor(), source.Children[1].Descriptor(), arm64.Descriptor(), ofArm64.Descriptor()}
	require.Equal(t, want, parsed(t, merged.Manifest).Manifests)
	require.Equal(t, want[2:], merged.Kept)

	merged, err = Merge(imageOf(1, "linux/amd64"), manifestOf(destination))
	require.NoError(t, err)
	require.Equal(t, []v1.Descriptor{arm64.Descriptor(), source.Children[0].Descriptor(), ofArm64.Descriptor()}, parsed(t, merged.Manifest).Manifests)

	same := imageOf(2, "linux/amd64")
	require.Equal(t, old.Digest(), same.Digest)
	merged, err = Merge(same, manifestOf(destination))
	require.NoError(t, err)
	require.Equal(t, manifestOf(destination), merged.Manifest, "with the attestation %s of what is there", ofOld.Digest())
}

func TestWhatHasNoPlatformIsNotMerged(t *testing.T) {
	t.Parallel()
	artifact := manifestOf(registrytest.Artifact(nil, "application/x"))
	empty := raw(v1.MediaTypeImageIndex, `{"schemaVersion":2,"manifests":[]}`)
	twice := raw(v1.MediaTypeImageIndex, `{"manifests":[{"digest":"sha256:1"}],"manifests":[]}`)
	index := indexOf(1, "linux/amd64")
	for _, c := range [][2]registry.Manifest{
		{artifact, index}, {index, artifact}, {artifact, imageOf(1, "linux/amd64")}, {empty, index}, {index, empty}, {index, twice},
	} {
		_, err := Merge(c[0], c[1])
		require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
		require.ErrorContains(t, err, "merging "+c[0].Digest.String()+" into "+c[1].Digest.String())
	}
	merged, err := Merge(artifact, registry.Manifest{})
	require.NoError(t, err)
	require.Equal(t, artifact, merged.Manifest)
}

func TestIndexesThatCannotBeReadWholeAreNotMerged(t *testing.T) {
	t.Parallel()
	entries := make([]string, maxInstances+1)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"digest":%q,"platform":{"os":"linux","architecture":"a%d"}}`, digest.FromString(fmt.Sprint(i)), i)
	}
	long := raw(v1.MediaTypeImageIndex, `{"manifests":[`+strings.Join(entries, ",")+`]}`)

	_, err := Merge(indexOf(1, "linux/amd64"), long)

	require.ErrorContains(t, err, "more than 1000 instances")
	require.True(t, fault.Is(err, fault.Unsupported))
}
