package plan

import (
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
)

// held is what a place is to hold of src.test/app, of which a registry has listed
// so many tags.
func held(t *testing.T, name, file string, selected int, wanted ...wanted) Holding {
	t.Helper()
	r := Request{Naming: Naming{Path: PathName, Suffix: "-s"}}
	s := source{Repository: repositoryOf(t, "src.test:\n  "+indented(file))}
	return r.holding(s, choice{wanted, selected}, place(t, offline(t), name), nil)
}

func TestAHoldingHasEverythingThatIsWanted(t *testing.T) {
	t.Parallel()
	h := held(t, "docker://dest.test/mirror", "images: {app: [edge]}", 0, wanted{tag: "edge", destinationTag: "edge"},
		wanted{tag: "edge", destinationTag: "stable", further: true}, wanted{digest: digest.FromString("a")})
	require.NoError(t, h.Err)
	require.Equal(t, map[string]bool{"edge-s": true, "stable-s": true}, h.Tags)
	require.Len(t, h.Digests, 1)
	require.Equal(t, "docker://dest.test/mirror/app", h.String())
	require.False(t, h.Mirror)
}

func TestAnEmptyListingDeletesNothing(t *testing.T) {
	t.Parallel()
	edge := wanted{tag: "edge", destinationTag: "edge"}
	require.ErrorIs(t, held(t, "docker://dest.test", "images: {app: []}", 0).Err, ErrNothingSelected)
	require.ErrorIs(t, held(t, "docker://dest.test", "images: {app: [edge]}\nimages-by-tag-regex: {app: '^2'}", 0, edge).Err, ErrNothingSelected,
		"also where other tags are named")
	require.ErrorIs(t, held(t, "docker://dest.test", "images: {app: [edge]}", 0).Err, ErrNothingSelected)
	require.NoError(t, held(t, "docker://dest.test", "images: {app: [edge]}\nimages-by-tag-regex: {app: '^2'}", 1, edge).Err)
	require.NoError(t, held(t, "docker://dest.test", "images: {app: [edge]}", 0, edge).Err)
}

func TestNothingIsDeletedOfTheSourceItself(t *testing.T) {
	t.Parallel()
	edge := wanted{tag: "edge", destinationTag: "edge"}
	require.True(t, fault.Is(held(t, "docker://src.test", "images: {app: [edge]}", 0, edge).Err, fault.Input))
	require.NoError(t, held(t, "docker://src.test/other", "images: {app: [edge]}", 0, edge).Err)
}

func TestATagIsTheMirrorsIfAPatternMatchesItOrThereIsNone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file        string
		ours, other string
	}{
		{"images: {app: []}", "anything-s", "anything"},
		{"images: {app: [edge]}", "anything-s", "anything"},
		{"images-by-tag-regex: {app: '^1'}", "1.0-s", "2.1-s"},
		{"images-by-semver: {app: '>= 2'}", "2.1.0-s", "1.0.0-s"},
		{"images: {app: [edge]}\nimages-by-tag-regex: {app: '^1'}", "1.0-s", "edger-s"},
		{"images-by-tag-regex: {app: '^1'}\ncsync: {repositories: {app: {exclude: [rc]}}}", "1.0rc-s", "rc-s"},
	} {
		h := held(t, "docker://dest.test", test.file, 1)
		require.True(t, h.Chooses(test.ours), test.file)
		require.False(t, h.Chooses(test.other), test.file)
	}
}

func TestOneRepositoryHoldsWhatAllSourcesWantThere(t *testing.T) {
	t.Parallel()
	edge := held(t, "docker://dest.test", "images: {app: [edge]}\ncsync: {prune: true}", 0, wanted{tag: "edge", destinationTag: "edge"})
	stable := held(t, "docker://dest.test", "images-by-tag-regex: {app: '^s'}\ncsync: {prune: true}", 1, wanted{tag: "stable", destinationTag: "stable"})
	other := held(t, "docker://dest.test/other", "images: {app: [edge]}", 0, wanted{tag: "edge", destinationTag: "edge"})
	merged := merge([]Holding{edge, other, stable})
	require.Len(t, merged, 2)
	require.Equal(t, map[string]bool{"edge-s": true, "stable-s": true}, merged[0].Tags)
	require.True(t, merged[0].Mirror)
	require.True(t, merged[0].Chooses("x-s"))
	require.NoError(t, merged[0].Err)

	empty, itself, without := edge, edge, edge
	empty.Err, itself.Err, without.Mirror = ErrNothingSelected, errItself, false
	require.Equal(t, ErrNothingSelected, merge([]Holding{edge, empty})[0].Err)
	require.Equal(t, errItself, merge([]Holding{empty, itself})[0].Err, "what is somebody's fault comes first")
	require.Equal(t, errItself, merge([]Holding{itself, empty})[0].Err)
	require.False(t, merge([]Holding{edge, without})[0].Mirror)
}

func TestAHoldingKnowsItsSteps(t *testing.T) {
	t.Parallel()
	h := held(t, "docker://dest.test", "images: {app: [edge]}", 0, wanted{tag: "edge", destinationTag: "edge"})
	for destination, touched := range map[string]bool{
		"docker://dest.test/app:1":             true,
		"docker://dest.test/app@sha256:a":      true,
		"docker://dest.test/app":               true,
		"docker://dest.test/app:1 (referrers)": true,
		"docker://dest.test/app2:1":            false,
		"docker://dest.test/app/b:1":           false,
		"docker://other.test/app:1":            false,
	} {
		require.Equal(t, touched, h.Touches(failed("", destination, errItself)), destination)
	}
}

func TestAHoldingOfALayoutIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	layout := "oci:" + t.TempDir()
	require.Equal(t, layout+"/app", (&Holding{Place: place(t, offline(t), layout), Path: "app", Location: image.Location{}}).String())
}
