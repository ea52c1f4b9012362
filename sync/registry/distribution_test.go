package registry

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func TestDistributionTakesAndGivesEverything(t *testing.T) {
	t.Parallel()
	server := registrytest.Distribution(t, registrytest.Token("ci", "secret"), registrytest.TLS())
	c := newClient(t)
	access := asUser(transport.Access{CertDir: server.CertDir})
	a, b := destination(t, c, server.Host()+"/ns/a", access), destination(t, c, server.Host()+"/ns/b", access)
	_, err := a.Tags(t.Context())
	requireFault(t, err, fault.NotFound, "fetching tags list: repository name not known to registry")

	image := registrytest.RandomImage(1)
	for i, layer := range image.Blobs {
		d := layer.Descriptor()
		if i%2 == 1 {
			d.Size = -1
		}
		upload, err := a.StartUpload(t.Context())
		require.NoError(t, err)
		require.NoError(t, upload.Finish(t.Context(), d, strings.NewReader(string(layer.Content))))
		upload, err = b.Mount(t.Context(), layer.Digest(), a)
		require.NoError(t, err)
		require.Nil(t, upload)
	}
	for _, r := range []*Repository{a, b} {
		require.NoError(t, r.PutManifest(t.Context(), "1", manifestOf(image)))
		m, err := r.Manifest(t.Context(), "1")
		require.NoError(t, err)
		require.Equal(t, manifestOf(image).Digest, m.Digest)
		tags, err := r.Tags(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, tags)
	}
	layer := image.Blobs[1]
	body, err := b.Blob(t.Context(), layer.Descriptor())
	require.NoError(t, err)
	content, err := io.ReadAll(Verify(body, layer.Descriptor()))
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, layer.Content, content)

	artifact := referrer(image, 1)
	require.NoError(t, a.PutManifest(t.Context(), artifact.Digest.String(), artifact))
	listed, err := a.Referrers(t.Context(), image.Digest())
	require.NoError(t, err)
	require.Equal(t, artifact.Digest, digests(listed)[0])

	all, err := c.Repositories(t.Context(), server.Host()+"/ns", access)
	require.NoError(t, err)
	require.Equal(t, []string{"ns/a", "ns/b"}, all)
	require.Equal(t, 1, server.Count(registrytest.Unauthorized), server.Counts())
}
