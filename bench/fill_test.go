package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// fresh is an empty registry in this process.
func fresh(t *testing.T) *httptest.Server {
	t.Helper()
	m := &memory{}
	require.NoError(t, m.empty(t.Context()))
	server := httptest.NewServer(m)
	t.Cleanup(func() { server.Close(); m.close() })
	return server
}

// read decodes what a registry answers.
func read(t *testing.T, place string, value any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, place, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(content))
	require.NoError(t, json.Unmarshal(content, value))
}

func fillFresh(t *testing.T, repositories []repository) (base string) {
	t.Helper()
	server := fresh(t)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	require.NoError(t, newFiller(address.Host, prefix).fill(t.Context(), repositories))
	return server.URL + "/v2/" + prefix
}

func TestFillPushesEveryTagWithItsLayers(t *testing.T) {
	t.Parallel()
	base := fillFresh(t, repositories(2, 3, []int64{100}, []int64{10, 20}))
	var list struct{ Tags []string }
	read(t, base+"team/app-02/tags/list", &list)
	require.Equal(t, []string{"1.0", "1.1", "1.2"}, list.Tags)

	var m manifest
	read(t, base+"team/app-02/manifests/1.2", &m)
	require.Len(t, m.Layers, 3)
	require.Equal(t, layer{seed: 0, size: 100}.digest(), m.Layers[0].Digest, "the shared layer")
	require.EqualValues(t, 20, m.Layers[2].Size)
}

func TestFillPushesAnIndexWithItsPlatforms(t *testing.T) {
	t.Parallel()
	base := fillFresh(t, indexes(1, []string{"linux/amd64", "linux/arm/v7"}))
	var index, child manifest
	read(t, base+"team/app/manifests/1.0", &index)
	require.Len(t, index.Manifests, 2)
	require.Equal(t, map[string]any{"os": "linux", "architecture": "arm", "variant": "v7"}, index.Manifests[1].Platform)
	read(t, base+"team/app/manifests/"+index.Manifests[1].Digest, &child)
	require.Len(t, child.Layers, 1)
}

func TestImagesDifferFromEachOther(t *testing.T) {
	t.Parallel()
	base := fillFresh(t, manyTags(40))
	var first, second manifest
	read(t, base+"team/app-01/manifests/1.0", &first)
	read(t, base+"team/app-01/manifests/1.1", &second)
	require.NotEqual(t, first, second)
}

func TestUniqueBytesCountsASharedLayerOnce(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 100+2*3*30, uniqueBytes(repositories(2, 3, []int64{100}, []int64{10, 20})))
}

func TestATagThatMovesNamesItsNewDigest(t *testing.T) {
	t.Parallel()
	server := fresh(t)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	digests := map[string]bool{}
	for _, note := range []string{"first", "second"} {
		repo := repositories(1, 1, []int64{10}, nil)
		repo[0].images[0].note = note
		require.NoError(t, newFiller(address.Host, "").fill(t.Context(), repo))
		for range 2 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+"/v2/team/app-01/manifests/1.0", nil)
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			digests[answer.Header.Get("Docker-Content-Digest")] = true
		}
	}
	require.Len(t, digests, 2)
}

func TestDockerImagesHaveDockersMediaTypes(t *testing.T) {
	t.Parallel()
	base := fillFresh(t, docker(repositories(1, 1, nil, []int64{10})))
	var m manifest
	read(t, base+"team/app-01/manifests/1.0", &m)
	require.Equal(t, dockerTypes, mediaTypes{m.MediaType, m.Config.MediaType, m.Layers[0].MediaType})
}
