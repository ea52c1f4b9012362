package content

import (
	"context"
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

func load(t *testing.T, image registrytest.Image) *Tree {
	t.Helper()
	tree, err := Load(t.Context(), stockOf(image), manifestOf(image))
	require.NoError(t, err)
	return tree
}

func TestATreeHasEveryManifestAndBlobOfAnImage(t *testing.T) {
	t.Parallel()
	amd64, arm64 := registrytest.RandomImage(1), registrytest.RandomImage(2, registrytest.WithPlatform("linux/arm64"))
	inner := registrytest.Index(arm64, amd64)
	outer := registrytest.Index(inner, amd64)

	tree := load(t, outer)

	digests := []digest.Digest{outer.Digest(), inner.Digest(), arm64.Digest(), amd64.Digest()}
	require.Equal(t, digests, tree.Digests(), "each once, what lists it first")
	for _, d := range digests {
		require.Equal(t, d, tree.Find(d).Manifest.Digest)
	}
	require.Nil(t, tree.Find(digest.FromString("other")))
	require.Equal(t, int64(len(outer.Manifest)+len(inner.Manifest)+len(arm64.Manifest)+2*len(amd64.Manifest)), tree.Manifests())
	require.Empty(t, tree.Blobs)
	require.Nil(t, tree.Config)
	leaf := tree.Find(arm64.Digest())
	require.Equal(t, arm64.Blobs[0].Digest(), leaf.Config.Digest)
	for i, blob := range arm64.Blobs {
		require.Equal(t, blob.Descriptor(), leaf.Blobs[i])
		require.Equal(t, i == 0, tree.IsConfig(blob.Digest()))
	}
}

func TestAnInstanceThatAnIndexRepeatsIsLoadedOnce(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	require.Len(t, load(t, registrytest.Index(image, image)).Children, 1)
}

func TestAManifestAloneIsATreeWithoutWhatIsBelow(t *testing.T) {
	t.Parallel()
	index := registrytest.MultiPlatform(1, "linux/amd64")
	tree, err := Parse(manifestOf(index))
	require.NoError(t, err)
	require.Empty(t, tree.Children)
	image, err := Parse(manifestOf(index.Children[0]))
	require.NoError(t, err)
	require.Len(t, image.Blobs, 3)
	_, err = Parse(raw(v1.MediaTypeImageManifest, "{"))
	require.True(t, fault.Is(err, fault.Unsupported), "%v", err)
}

func TestBlobsThatAnIndexListsAreItsOwn(t *testing.T) {
	t.Parallel()
	blob := digest.FromString("a blob")
	index := raw(v1.MediaTypeImageIndex, fmt.Sprintf(`{"manifests": [{"mediaType": "application/octet-stream", "digest": %q, "size": 6}]}`, blob))
	tree, err := Load(t.Context(), stockOf(), index)
	require.NoError(t, err)
	require.Empty(t, tree.Children)
	require.Equal(t, blob, tree.Blobs[0].Digest)
}

// nested is an index in as many others.
func nested(s stock, depth int) registry.Manifest {
	m := manifestOf(registrytest.RandomImage(1))
	s.shelf[m.Digest.String()] = m
	for range depth {
		m = raw(v1.MediaTypeImageIndex, fmt.Sprintf(`{"manifests": [{"mediaType": %q, "digest": %q}]}`, m.MediaType, m.Digest))
		s.shelf[m.Digest.String()] = m
	}
	return m
}

func TestTreesEnd(t *testing.T) {
	t.Parallel()
	s := stockOf()
	_, err := Load(t.Context(), s, nested(s, maxDepth))
	require.NoError(t, err)
	_, err = Load(t.Context(), s, nested(s, maxDepth+1))
	require.ErrorContains(t, err, "nest more than 8 deep")
	require.True(t, fault.Is(err, fault.Unsupported))

	itself := raw(v1.MediaTypeImageIndex, "")
	itself.Digest = digest.FromString("itself")
	itself.Bytes = fmt.Appendf(nil, `{"manifests": [{"digest": %q}]}`, itself.Digest)
	_, err = Load(t.Context(), s, itself)
	require.ErrorContains(t, err, "it lists itself")

	entries := ""
	for i := range maxInstances + 1 {
		entries += fmt.Sprintf(`{"digest": %q},`, digest.FromString(fmt.Sprint(i)))
	}
	_, err = Load(t.Context(), s, raw(v1.MediaTypeImageIndex, `{"manifests": [`+entries[:len(entries)-1]+`]}`))
	require.ErrorContains(t, err, "more than 1000 instances")
}

func TestATreeOfWhichAPartIsMissingIsNone(t *testing.T) {
	t.Parallel()
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	s := stockOf(index)
	delete(s.shelf, index.Children[1].Digest().String())
	_, err := Load(t.Context(), s, manifestOf(index))
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
}

// heavy is an index of so many instances of some bytes each, which it says are
// of that size.
func heavy(s stock, instances, bytes int, size int64) registry.Manifest {
	entries := make([]string, instances)
	for i := range entries {
		m := raw(v1.MediaTypeImageManifest, fmt.Sprintf(`{"layers": [], "n": %d%s}`, i, strings.Repeat(" ", bytes)))
		s.shelf[m.Digest.String()] = m
		entries[i] = fmt.Sprintf(`{"mediaType": %q, "digest": %q, "size": %d}`, m.MediaType, m.Digest, size)
	}
	return raw(v1.MediaTypeImageIndex, `{"manifests": [`+strings.Join(entries, ",")+`]}`)
}

func TestTheManifestsOfATreeAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		instances, bytes int
		size             int64
		refused          bool
	}{
		"that their index tells of":           {17, 0, 4 << 20, true},
		"that are more than their index says": {17, 4 << 20, 0, true},
		"that are not too many":               {16, 0, 4 << 20, false},
		"of which the index says nonsense":    {10, 0, 1 << 60, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stockOf()
			index := heavy(s, c.instances, c.bytes, c.size)
			_, loadErr := Load(t.Context(), s, index)
			_, detailsErr := Image{Manifest: index, Source: s, Parallel: 4}.Details(t.Context())
			for _, err := range []error{loadErr, detailsErr} {
				if !c.refused {
					require.NoError(t, err)
					continue
				}
				require.ErrorContains(t, err, "manifests of one image have more than 67108864 bytes")
				require.True(t, fault.Is(err, fault.Unsupported))
			}
		})
	}
}

func TestReadingATreeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := stockOf()
	index := nested(s, maxDepth)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Load(ctx, s, index)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Image{Manifest: index, Source: s, Parallel: 4}.Details(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
