package content

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry"
)

// cut is an index with the entries that are kept.
func cut(index []byte, keep []bool) ([]byte, error) {
	spans, err := entrySpans(index)
	if err != nil || len(spans) != len(keep) {
		return nil, fmt.Errorf("%d entries: %w", len(spans), err)
	}
	var kept []entry
	for i, s := range spans {
		if keep[i] {
			kept = append(kept, entry{raw: index[s.start:s.end]})
		}
	}
	m, err := withEntries(registry.Manifest{Bytes: index}, kept)
	return m.Bytes, err
}

func TestCuttingEntriesLeavesEveryOtherByte(t *testing.T) {
	t.Parallel()
	const index = "{ \"a\" : [ 1 , {\"manifests\":[9]} ],\n\"manifests\" : [ {\"x\":\"]\"} ,\n  {\"y\":{\"z\":[2]}},\t{\"w\":\"\\\"\"} ] , \"last\":null}\n"
	cases := map[string]struct {
		keep []bool
		want string
	}{
		"all":        {[]bool{true, true, true}, "[ {\"x\":\"]\"} ,\n  {\"y\":{\"z\":[2]}} ,\n  {\"w\":\"\\\"\"} ]"},
		"the first":  {[]bool{true, false, false}, "[ {\"x\":\"]\"} ]"},
		"the middle": {[]bool{false, true, false}, "[ {\"y\":{\"z\":[2]}} ]"},
		"the last":   {[]bool{false, false, true}, "[ {\"w\":\"\\\"\"} ]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cut, err := cut([]byte(index), c.keep)
			require.NoError(t, err)
			require.Equal(t, "{ \"a\" : [ 1 , {\"manifests\":[9]} ],\n\"manifests\" : "+c.want+" , \"last\":null}\n", string(cut))
			require.True(t, json.Valid(cut))
		})
	}
}

func TestAnIndexThatNamesItsManifestsTwiceIsNotFiltered(t *testing.T) {
	t.Parallel()
	entry := fmt.Sprintf(`[{"digest":%q,"platform":{"os":"linux","architecture":"amd64"}}]`, digest.FromString("one"))
	m := registry.Manifest{Descriptor: v1.Descriptor{MediaType: v1.MediaTypeImageIndex}, Bytes: []byte(`{"manifests":` + entry + `,"manifests":` + entry + `}`)}
	_, err := Selection{Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}}}.Choose(t.Context(), nil, m)
	require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
	require.ErrorContains(t, err, "twice")
}

func TestPlatformsMatchAsContainerdHasThem(t *testing.T) {
	t.Parallel()
	platform := func(architecture, variant string) v1.Platform {
		return v1.Platform{OS: "linux", Architecture: architecture, Variant: variant}
	}
	cases := map[string]struct {
		wanted, got v1.Platform
		matches     bool
	}{
		"the same":                     {platform("arm", "v7"), platform("arm", "v7"), true},
		"another variant":              {platform("arm", "v7"), platform("arm", "v6"), false},
		"any variant":                  {platform("arm", ""), platform("arm", "v6"), true},
		"a variant that is not said":   {platform("arm", "v7"), platform("arm", ""), false},
		"arm64 has one variant":        {platform("arm64", "v8"), platform("arm64", ""), true},
		"arm64 has one variant, twice": {platform("arm64", ""), platform("arm64", "v8"), true},
		"another architecture":         {platform("amd64", ""), platform("arm64", ""), false},
		"another system":               {platform("amd64", ""), v1.Platform{OS: "windows", Architecture: "amd64"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.matches, Fits(c.wanted, &c.got))
		})
	}
	require.False(t, Fits(platform("amd64", ""), nil), "an entry without a platform")
}

// FuzzWithEntries: whatever is cut out of an index, the rest is JSON still, and
// keeping nothing less changes the bytes between the entries only.
func FuzzWithEntries(f *testing.F) {
	f.Add([]byte(`{"manifests":[{"a":1},{"b":2}]}`), uint8(1))
	f.Add([]byte("{\n \"x\":[],\"manifests\":\n[1 , 2]\n}"), uint8(2))
	f.Fuzz(func(t *testing.T, index []byte, which uint8) {
		var parsed struct {
			Manifests []json.RawMessage `json:"manifests"`
		}
		if json.Unmarshal(index, &parsed) != nil || len(parsed.Manifests) == 0 || len(parsed.Manifests) > 8 {
			return
		}
		keep := make([]bool, len(parsed.Manifests))
		kept := 0
		for i := range keep {
			if keep[i] = which>>i&1 == 1; keep[i] {
				kept++
			}
		}
		cut, err := cut(index, keep)
		if err != nil {
			return
		}
		require.NoError(t, json.Unmarshal(cut, &parsed), "%s", cut)
		require.Len(t, parsed.Manifests, kept)
	})
}
