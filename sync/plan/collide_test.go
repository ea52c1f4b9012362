package plan

import (
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/report"
)

// made is an index that is nowhere yet.
func made(content string) given {
	return given{registry.Manifest{Descriptor: v1.Descriptor{Digest: digest.FromString(content)}}}
}

func TestIndexesOfOneFirstImageAreTheSameByTheirDigests(t *testing.T) {
	t.Parallel()
	for content, kept := range map[string]int{"one": 1, "two": 2} {
		one, other := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "1.0")
		one.from, other.from = made("one"), made(content)
		require.Len(t, refuseCollisions([]*Step{one, other}), kept)
	}
}

func TestWhatIsWantedUnderOneReference(t *testing.T) {
	t.Parallel()
	another := func(s *Step) { s.Result.Source = "docker://other.test/app:1.0" }
	for _, test := range []struct {
		name   string
		change func(*Step)
		kept   int
		refuse bool
	}{
		{"the same", func(*Step) {}, 1, false},
		{"another image", another, 2, true},
		{"another image elsewhere", func(s *Step) { another(s); s.Result.Destination = "docker://dst.test/lib:1.0" }, 2, false},
		{"another pin", func(s *Step) { s.pin = digest.FromString("x") }, 2, true},
		{"other platforms", func(s *Step) { s.Selection.Platforms = arm64 }, 2, true},
		{"fewer platforms", func(s *Step) { s.Selection.AllowMissing = true }, 2, true},
		{"one instance", func(s *Step) { s.Selection.System = &types.SystemContext{} }, 2, true},
		{"an index that was made here", func(s *Step) { s.from = made("one") }, 2, true},
		{"what has no destination", func(s *Step) { s.to = nil }, 2, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			one, two := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "1.0")
			two.Referrers = true
			test.change(two)

			kept := refuseCollisions([]*Step{one, two})

			require.Len(t, kept, test.kept)
			require.Same(t, one, kept[0])
			require.Equal(t, test.kept == 1, one.Referrers, "what either wants")
			for _, step := range kept {
				require.Equal(t, test.refuse, fault.Is(step.Err, fault.Conflict), step.Err)
			}
			if test.refuse {
				require.ErrorContains(t, one.Err, two.Result.Source)
				require.ErrorContains(t, two.Err, one.Result.Source)
				require.Equal(t, fault.Destination, fault.SideOf(one.Err))
			}
		})
	}
}

func TestAllThatCollideAreRefusedAndForgetWhatWasFound(t *testing.T) {
	t.Parallel()
	var steps []*Step
	for _, source := range []string{"a", "b", "c"} {
		step := between(t, newShop(), newShop(), "1.0")
		step.Result.Source, step.Result.Status, step.Result.Digest = source, report.Unchanged, digest.FromString(source)
		steps = append(steps, step)
	}

	require.Len(t, refuseCollisions(steps), 3)

	for i, step := range steps {
		require.Equal(t, report.Failed, step.Result.Status)
		require.Empty(t, step.Result.Digest)
		require.Equal(t, []string{"a", "b", "c"}[i], step.Result.Source)
	}
	require.ErrorContains(t, steps[0].Err, "b would be written")
	require.ErrorContains(t, steps[1].Err, "a would be written")
	require.ErrorContains(t, steps[2].Err, "a would be written")
}

func TestAFurtherTagNeedsTheStepThatIsKept(t *testing.T) {
	t.Parallel()
	one, again := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "1.0")
	further := between(t, newShop(), newShop(), "stable")
	further.Needs = again

	kept := refuseCollisions([]*Step{one, again, further})

	require.Equal(t, []*Step{one, further}, kept)
	require.Same(t, one, further.Needs)
}

func TestSystemsAreTheSameWhereTheyChooseTheSame(t *testing.T) {
	t.Parallel()
	base := types.SystemContext{OSChoice: "linux", ArchitectureChoice: "arm", VariantChoice: "v7", AuthFilePath: "a"}
	same, os, architecture, variant := base, base, base, base
	same.AuthFilePath, os.OSChoice, architecture.ArchitectureChoice, variant.VariantChoice = "b", "windows", "arm64", "v6"
	require.True(t, sameSystem(&base, &same))
	require.True(t, sameSystem(nil, nil))
	for _, other := range []*types.SystemContext{nil, &os, &architecture, &variant} {
		require.False(t, sameSystem(&base, other))
		require.False(t, sameSystem(other, &base))
	}
}

func TestPlatformsAreComparedWithTheirVariants(t *testing.T) {
	t.Parallel()
	one, two := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "1.0")
	one.Selection.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm", Variant: "v7"}}
	two.Selection.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm", Variant: "v6"}}
	require.False(t, sameSelection(one, two))
	two.Selection.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm", Variant: "v7"}}
	require.True(t, sameSelection(one, two))
}

func TestTheAdviceIsWhatTellsTheTwoApart(t *testing.T) {
	t.Parallel()
	one, label := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "2.0")
	label.Result.Destination = one.Result.Destination
	refuseCollisions([]*Step{one, label})
	require.ErrorContains(t, one.Err, "another further tag under tags:")

	one, other := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "1.0")
	other.Source, other.Result.Source = other.Destination, "docker://other.test/app:1.0"
	refuseCollisions([]*Step{one, other})
	require.ErrorContains(t, one.Err, "--dest-path")
}
