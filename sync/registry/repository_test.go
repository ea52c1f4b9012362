package registry

import (
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func TestSourceIsReadFromMirrorsFirst(t *testing.T) {
	t.Parallel()
	upstream, mirror := registrytest.Start(t), registrytest.Start(t)
	both, upstreamOnly := registrytest.RandomImage(1), registrytest.RandomImage(2)
	upstream.Push(t, "moved/a", "both", both)
	upstream.Push(t, "moved/a", "upstream", upstreamOnly)
	mirror.Push(t, "copies/a", "both", both)
	c := newClient(t, func(o *transport.Options) {
		o.System = system(t, sprint(`
[[registry]]
prefix = "q.example/ns"
location = "%s/moved"
insecure = true
[[registry.mirror]]
location = "%s/copies"
insecure = true
`, upstream.Host(), mirror.Host()))
	})
	r := source(t, c, "q.example/ns/a", transport.Access{})
	require.Equal(t, "q.example/ns/a", r.Name().Name())

	d, err := r.Resolve(t.Context(), "both")
	require.NoError(t, err)
	require.Equal(t, both.Digest(), d.Digest)
	layer := both.Blobs[1]
	body, err := r.Blob(t.Context(), v1.Descriptor{Digest: layer.Digest(), Size: int64(len(layer.Content))})
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Empty(t, upstream.Log())

	m, err := r.Manifest(t.Context(), "upstream")
	require.NoError(t, err)
	require.Equal(t, upstreamOnly.Digest(), m.Digest)
	tags, err := r.Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"both", "upstream"}, tags)

	_, err = r.Manifest(t.Context(), "neither")
	requireFault(t, err, fault.NotFound, upstream.Host()+"/moved/a")
}

func TestMirrorsMayBeForDigestsOnlyAndSeeNoCredentials(t *testing.T) {
	t.Parallel()
	upstream, mirror := registrytest.Start(t, registrytest.Basic("ci", "secret")), registrytest.Start(t, registrytest.Basic("ci", "secret"))
	image := registrytest.RandomImage(1)
	upstream.Push(t, "a", "1", image)
	mirror.Push(t, "a", "1", image)
	c := newClient(t, func(o *transport.Options) {
		o.System = system(t, sprint(`
[[registry]]
location = "%s"
insecure = true
[[registry.mirror]]
location = "%s"
insecure = true
pull-from-mirror = "digest-only"
`, upstream.Host(), mirror.Host()))
	})
	r := source(t, c, upstream.Host()+"/a", asUser(transport.Access{}))
	_, err := r.Resolve(t.Context(), "1")
	require.NoError(t, err)
	require.Empty(t, mirror.Log())
	_, err = r.Resolve(t.Context(), image.Digest().String())
	require.NoError(t, err)
	for _, request := range mirror.Log() {
		require.Empty(t, request.Scheme)
	}
	require.NotEmpty(t, mirror.Log())
}

func TestDestinationIsTheRegistryItself(t *testing.T) {
	t.Parallel()
	registry, mirror := registrytest.Start(t), registrytest.Start(t)
	c := newClient(t, func(o *transport.Options) {
		o.System = system(t, sprint(`
[[registry]]
location = "%s"
insecure = true
[[registry.mirror]]
location = "%s"
insecure = true
[[registry]]
location = "blocked.example"
blocked = true
`, registry.Host(), mirror.Host()))
	})
	_, err := destination(t, c, registry.Host()+"/a", transport.Access{}).StartUpload(t.Context())
	require.NoError(t, err)
	require.Empty(t, mirror.Log())
	for _, find := range []locate{c.Source, c.Destination} {
		_, err = find(named(t, "blocked.example/a"), transport.Access{})
		requireFault(t, err, fault.Policy, "blocked.example is blocked in")
	}
	_, err = c.Repositories(t.Context(), "blocked.example", transport.Access{})
	requireFault(t, err, fault.Policy)
}

func TestBrokenRegistriesConfIsAnInputError(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *transport.Options) { o.System = system(t, "[[registry") })
	_, err := c.Source(named(t, "q.io/a"), transport.Access{})
	requireFault(t, err, fault.Input, "loading registries.conf")
}
