package plan

import (
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/report"
)

func newCache(t *testing.T) *Cache {
	t.Helper()
	cache, err := OpenCache(filepath.Join(t.TempDir(), "made.json"))
	require.NoError(t, err)
	return cache
}

func TestWhatAFilterMadeIsAskedForByOneHead(t *testing.T) {
	t.Parallel()
	source, cache := newShop(), newCache(t)
	sum := source.index([]string{"linux/amd64", "linux/arm64"}, "1.0")
	look := func() found {
		step := between(t, source, newShop(), "1.0")
		step.Selection.Platforms = arm64
		return lookAt(t.Context(), step, cache)
	}

	first, second := look(), look()

	require.NoError(t, first.err)
	require.Equal(t, sum, first.digest)
	require.NotEqual(t, sum, first.choice.Digest)
	require.Equal(t, []string{"linux/arm64"}, first.choice.Platforms)
	require.Equal(t, first.choice.Digest, second.choice.Digest)
	require.Equal(t, first.choice.Platforms, second.choice.Platforms)
	require.Equal(t, first.choice.MediaType, second.choice.MediaType)
	require.Equal(t, []string{"GET 1.0", "HEAD 1.0"}, source.requests())

	source.index([]string{"linux/s390x", "linux/arm64"}, "1.0")
	third := look()
	require.NotEqual(t, sum, third.digest)
	require.Equal(t, []string{"GET 1.0", "GET 1.0", "HEAD 1.0", "HEAD 1.0"}, source.requests())
}

func TestAConversionIsComparedWithWhatItMadeBefore(t *testing.T) {
	t.Parallel()
	made := digest.FromString("made")
	for _, test := range []struct {
		name    string
		there   bool // what was made
		moved   bool
		want    report.Status
		outcome digest.Digest
	}{
		{"in place", true, false, report.Unchanged, made},
		{"something else is there", false, false, "", ""},
		{"the source has moved", true, true, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source, destination, cache := newShop(), newShop(), newCache(t)
			source.image("a", "1.0")
			destination.image("other", "1.0")
			if test.there {
				destination.named["1.0"] = withDigest(destination.named["1.0"], made)
			}
			step := between(t, source, destination, "1.0")
			step.Format = v1.MediaTypeImageManifest
			cache.keep(step, entry{Source: source.named["1.0"].Digest, Digest: made, MediaType: v1.MediaTypeImageManifest})
			if test.moved {
				source.image("b", "1.0")
			}

			comparing(Request{Cache: cache}).step(t.Context(), step, known{})()

			require.NoError(t, step.Err)
			require.Equal(t, test.want, step.Result.Status)
			require.Equal(t, test.outcome, step.Wanted, "where it is to be made again, only that tells")
			require.Equal(t, test.outcome, step.Result.Digest)
			require.Equal(t, source.named["1.0"].Digest, step.Result.SourceDigest)
			require.Equal(t, []string{"HEAD 1.0"}, source.requests())
		})
	}
}

func TestWhatIsRememberedDependsOnAllThatMakesIt(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*Step){
		"as it is":          func(*Step) {},
		"of another source": func(s *Step) { s.Result.Source += "1" },
		"of a platform":     func(s *Step) { s.Selection.Platforms = arm64 },
		"of a variant": func(s *Step) {
			s.Selection.Platforms = []v1.Platform{{OS: "linux", Architecture: "arm64", Variant: "v9"}}
		},
		"or of fewer":              func(s *Step) { s.Selection.Platforms, s.Selection.AllowMissing = arm64, true },
		"for a system":             func(s *Step) { s.Selection.System = &types.SystemContext{} },
		"for another system":       func(s *Step) { s.Selection.System = &types.SystemContext{ArchitectureChoice: "s390x"} },
		"for another OS":           func(s *Step) { s.Selection.System = &types.SystemContext{OSChoice: "plan9"} },
		"for another variant":      func(s *Step) { s.Selection.System = &types.SystemContext{VariantChoice: "v9"} },
		"in a format":              func(s *Step) { s.Format = "a" },
		"in another format":        func(s *Step) { s.Format = "b" },
		"of a platform in another": func(s *Step) { s.Selection.Platforms, s.Format = arm64, "b" },
	}
	keys := map[string]string{}
	for name, change := range changes {
		step := between(t, newShop(), newShop(), "1.0")
		change(step)
		key := cacheKey(step)
		require.Empty(t, keys[key], "%s and %s", name, keys[key])
		keys[key] = name
	}
}

func TestOnlyWhatIsMadeTheSameEachTimeIsRemembered(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Step)
		want   bool
	}{
		{"a filtered index", func(s *Step) { s.Selection.Platforms = arm64 }, true},
		{"a converted image", func(s *Step) { s.Format = "x" }, true},
		{"a converted instance", func(s *Step) { s.Format, s.Selection.System = "x", &types.SystemContext{} }, true},
		{"an image as it is", func(*Step) {}, false},
		{"an instance", func(s *Step) { s.Selection.System = &types.SystemContext{} }, false},
		{"what was not done", func(s *Step) { s.Format, s.Result.Status = "x", report.Failed }, false},
		{"what was there", func(s *Step) { s.Format, s.Result.Status = "x", report.Unchanged }, false},
		{"what says nothing of its source", func(s *Step) { s.Format, s.Result.SourceDigest = "x", "" }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cache, step := newCache(t), between(t, newShop(), newShop(), "1.0")
			step.Result = report.Result{Status: report.Done, Source: "a", SourceDigest: digest.FromString("a"), Digest: digest.FromString("b")}
			test.change(step)

			cache.Learn(&Plan{Steps: []*Step{step}})

			remembered, known := cache.find(step)
			require.Equal(t, test.want, known)
			if known {
				require.Equal(t, entry{Source: digest.FromString("a"), Digest: digest.FromString("b")}, remembered)
			}
			var none *Cache
			none.Learn(&Plan{Steps: []*Step{step}})
			_, known = none.find(step)
			require.False(t, known)
		})
	}
}
