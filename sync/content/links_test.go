package content_test

import (
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/content"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

func TestLinksAreWhatAManifestLeadsTo(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	artifact := registrytest.Artifact(&image, "application/vnd.example")
	twice := registrytest.Index(image, artifact, image)
	for _, test := range []struct {
		image   registrytest.Image
		lists   []digest.Digest
		subject digest.Digest
	}{
		{image, nil, ""},
		{artifact, nil, image.Digest()},
		{twice, []digest.Digest{image.Digest(), artifact.Digest()}, ""},
	} {
		lists, subject, err := content.Links(registry.Manifest{Descriptor: test.image.Descriptor(), Bytes: test.image.Manifest})
		require.NoError(t, err)
		var digests []digest.Digest
		for _, d := range lists {
			digests = append(digests, d.Digest)
		}
		require.Equal(t, test.lists, digests)
		require.Equal(t, test.subject, subject)
	}
	_, _, err := content.Links(registry.Manifest{Bytes: []byte("<html>")})
	require.Error(t, err)
}
