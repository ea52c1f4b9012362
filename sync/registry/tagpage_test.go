package registry

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestPagesOfTagsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `"x"`, `{"tags":{}}`, `{"tags":[1]}`, `{"tags":["1"`, `{"manifest":[]}`, `{"manifest":{"` + string(sums[0]) + `":{"tag":"1"}}}`, ``, `{"other":{`,
	} {
		_, err := decodeTagPage(strings.NewReader(text))
		require.Error(t, err, text)
	}
	page, err := decodeTagPage(strings.NewReader(`{"a":{"tags":[["x"]]},"tags":null,"b":[{},[1]],"manifest":{"x":{"tag":["1"]},"` + string(sums[0]) + `":{"z":{},"tag":null}}}`))
	require.NoError(t, err)
	require.Empty(t, page.Tags)
	require.Empty(t, page.Digests)
	require.Equal(t, map[digest.Digest]bool{sums[0]: false}, page.Manifests)
}

func TestOnlyDigestsOfListedTagsAreKept(t *testing.T) {
	t.Parallel()
	l := listedTags{tagDigests{}, map[digest.Digest]bool{}}
	page, err := decodeTagPage(strings.NewReader(`{"tags":["1"],"manifest":{"` + string(sums[0]) + `":{"tag":["1","2"]}}}`))
	require.NoError(t, err)
	require.NoError(t, l.add(page))
	require.Equal(t, tagDigests{"1": sums[0]}, l.digests)
}

func TestAListThatTellsOfManifestsWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	l := listedTags{tagDigests{}, map[digest.Digest]bool{}}
	page := tagPage{Manifests: map[digest.Digest]bool{}}
	for i := range maxManifests + 1 {
		page.Manifests[digest.Digest(fmt.Sprintf("sha256:%064x", i))] = false
	}
	requireFault(t, l.add(page), fault.Unsupported, "more than 250000 manifests")
}

func TestAHostilePageOfTagsTakesLittleMemory(t *testing.T) { // by itself: others allocate as well
	var body strings.Builder
	body.WriteString(`{"tags":["1"],"manifest":{"x":{}`)
	for i := range 1_500_000 {
		fmt.Fprintf(&body, `,"%x":{}`, i)
	}
	body.WriteString("}}")
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body.String()) })
	r := source(t, newClient(t), host+"/a", plainly)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	tags, err := r.Tags(t.Context())

	require.NoError(t, err)
	require.Equal(t, []string{"1"}, tags)
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.Sys)-int64(before.Sys), int64(96<<20))
}
