package content

import (
	"errors"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

// platforms are linux on architectures.
func platforms(architectures ...string) []v1.Platform {
	var all []v1.Platform
	for _, architecture := range architectures {
		all = append(all, v1.Platform{OS: "linux", Architecture: architecture})
	}
	return all
}

// attested has an image and an attestation for each of three platforms.
func attested() registrytest.Image {
	return registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x"))
}

func TestASelectionChoosesOfAnIndex(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		selection Selection
		entries   []int // of the index
		platforms []string
	}{
		"everything":    {Selection{}, []int{0, 1, 2, 3, 4, 5}, []string{"linux/amd64", "linux/arm64", "linux/s390x"}},
		"platforms":     {Selection{Platforms: platforms("s390x", "amd64")}, []int{0, 2, 3, 5}, []string{"linux/amd64", "linux/s390x"}},
		"what there is": {Selection{Platforms: platforms("arm64", "riscv64"), AllowMissing: true}, []int{1, 4}, []string{"linux/arm64"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			choice, err := c.selection.Choose(t.Context(), stockOf(attested()), manifestOf(attested()))
			require.NoError(t, err)
			require.Equal(t, c.platforms, choice.Platforms)
			require.Equal(t, digest.FromBytes(choice.Bytes), choice.Digest)
			require.EqualValues(t, len(choice.Bytes), choice.Size)
			doc, err := parseDocument(raw(choice.MediaType, string(choice.Bytes)))
			require.NoError(t, err)
			require.Len(t, doc.Manifests, len(c.entries))
			for i, entry := range c.entries {
				require.Equal(t, attested().Children[entry].Digest(), doc.Manifests[i].Digest)
			}
		})
	}
}

func TestASelectionForASystemIsTheInstanceThatItWouldRun(t *testing.T) {
	t.Parallel()
	s := Selection{System: &types.SystemContext{OSChoice: "linux", ArchitectureChoice: "s390x"}}
	choice, err := s.Choose(t.Context(), stockOf(attested()), manifestOf(attested()))
	require.NoError(t, err)
	require.Equal(t, attested().Children[2].Digest(), choice.Digest)
	require.Nil(t, choice.Bytes, "which is still to be read")
	require.Equal(t, []string{"linux/s390x"}, choice.Platforms)

	s.System.ArchitectureChoice = "riscv64"
	_, err = s.Choose(t.Context(), stockOf(attested()), manifestOf(attested()))
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	image := registrytest.RandomImage(1)
	choice, err = s.Choose(t.Context(), stockOf(image), manifestOf(image))
	require.NoError(t, err)
	require.Equal(t, image.Digest(), choice.Digest, "an image is taken as it is, as skopeo does")
}

func TestPlatformsThatAreNotThereFailUnlessTheyMayBeMissing(t *testing.T) {
	t.Parallel()
	s := Selection{Platforms: platforms("amd64", "riscv64")}
	_, err := s.Choose(t.Context(), stockOf(attested()), manifestOf(attested()))
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	require.ErrorContains(t, err, "no instance for linux/riscv64, only for linux/amd64, linux/arm64, linux/s390x")
	require.ErrorContains(t, err, "--allow-missing-platforms")

	s = Selection{Platforms: platforms("riscv64"), AllowMissing: true}
	_, err = s.Choose(t.Context(), stockOf(attested()), manifestOf(attested()))
	unwanted, is := errors.AsType[*NotWantedError](err)
	require.True(t, is, "%v", err)
	require.Equal(t, "linux/amd64, linux/arm64, linux/s390x", unwanted.Platform)
}

func TestWhatHasAPlatformOfItsOwnIsNotKeptForWhatItDescribes(t *testing.T) {
	t.Parallel()
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	index.Children[1].Annotations = map[string]string{"vnd.docker.reference.digest": index.Children[0].Digest().String()}
	index = registrytest.Index(index.Children...)
	choice, err := Selection{Platforms: platforms("amd64")}.Choose(t.Context(), stockOf(index), manifestOf(index))
	require.NoError(t, err)
	require.Equal(t, []string{"linux/amd64"}, choice.Platforms)
}

func TestAnImageIsTakenIfItsConfigIsOfAPlatform(t *testing.T) {
	t.Parallel()
	arm := registrytest.RandomImage(1, registrytest.WithPlatform("linux/arm/v7"))
	chart := registrytest.Artifact(nil, "application/vnd.example")
	choose := func(image registrytest.Image, architecture string) (Choice, error) {
		return Selection{Platforms: platforms(architecture)}.Choose(t.Context(), stockOf(image), manifestOf(image))
	}
	choice, err := choose(arm, "arm")
	require.NoError(t, err)
	require.Equal(t, arm.Digest(), choice.Digest)
	require.Equal(t, []string{"linux/arm/v7"}, choice.Platforms)
	_, err = choose(arm, "amd64")
	require.Equal(t, &NotWantedError{Platform: "linux/arm/v7"}, err)
	choice, err = choose(chart, "amd64")
	require.NoError(t, err)
	require.Nil(t, choice.Platforms, "an artifact has none")

	s := stockOf(arm)
	delete(s.blobs, arm.Blobs[0].Digest())
	_, err = Selection{Platforms: platforms("arm")}.Choose(t.Context(), s, manifestOf(arm))
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	require.ErrorContains(t, err, "reading config")
}

func TestOnlyWhatIsThereUnchangedIsReferredTo(t *testing.T) {
	t.Parallel()
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	amd64, arm64 := index.Children[0].Digest(), index.Children[1].Digest()
	for name, c := range map[string]struct {
		image     registrytest.Image
		selection Selection
		want      []digest.Digest
	}{
		"an index":         {index, Selection{}, []digest.Digest{index.Digest(), amd64, arm64}},
		"a part of it":     {index, Selection{Platforms: platforms("arm64")}, []digest.Digest{arm64}},
		"all parts of it":  {index, Selection{Platforms: platforms("arm64", "amd64")}, []digest.Digest{index.Digest(), amd64, arm64}},
		"an instance":      {index, Selection{System: &types.SystemContext{OSChoice: "linux", ArchitectureChoice: "amd64"}}, []digest.Digest{amd64}},
		"an image":         {index.Children[0], Selection{}, []digest.Digest{amd64}},
		"an image, chosen": {index.Children[0], Selection{Platforms: platforms("amd64")}, []digest.Digest{amd64}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subjects, err := c.selection.Subjects(t.Context(), stockOf(c.image), c.image.Digest().String())
			require.NoError(t, err)
			require.Equal(t, c.want, subjects)
		})
	}
}
