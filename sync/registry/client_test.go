package registry

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// plainly reaches a registry that may not speak TLS.
var plainly = transport.Access{TLSVerify: types.OptionalBoolFalse}

// asUser is the access of the user that the registries of these tests know.
func asUser(a transport.Access) transport.Access {
	a.Username, a.Password = "ci", "secret"
	return a
}

// newClient is a client that does not see this machine's configuration, and
// hardly waits.
func newClient(t *testing.T, options ...func(*transport.Options)) *Client {
	t.Helper()
	return NewClient(newTransport(t, options...), Options{})
}

func newTransport(t *testing.T, options ...func(*transport.Options)) *transport.Transport {
	t.Helper()
	o := transport.Options{System: system(t, ""), UserAgent: "csync/test", RetryDelay: time.Millisecond}
	for _, option := range options {
		option(&o)
	}
	shared := transport.New(o)
	t.Cleanup(shared.Close)
	return shared
}

// system is a configuration of nothing but a registries.conf.
func system(t *testing.T, registriesConf string) *types.SystemContext {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "registries.conf")
	require.NoError(t, os.WriteFile(conf, []byte(registriesConf), 0o600))
	return &types.SystemContext{
		SystemRegistriesConfPath:    conf,
		SystemRegistriesConfDirPath: filepath.Join(dir, "registries.conf.d"),
		AuthFilePath:                filepath.Join(dir, "auth.json"),
		DockerPerHostCertDirPath:    filepath.Join(dir, "certs.d"),
	}
}

func named(t *testing.T, name string) reference.Named {
	t.Helper()
	ref, err := reference.ParseNormalizedNamed(name)
	require.NoError(t, err)
	return ref
}

func source(t *testing.T, c *Client, name string, a transport.Access) *Repository {
	t.Helper()
	r, err := c.Source(named(t, name), a)
	require.NoError(t, err)
	return r
}

func destination(t *testing.T, c *Client, name string, a transport.Access) *Repository {
	t.Helper()
	r, err := c.Destination(named(t, name), a)
	require.NoError(t, err)
	return r
}

func requireFault(t *testing.T, err error, kind fault.Kind, texts ...string) {
	t.Helper()
	require.Error(t, err)
	var failed *fault.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, kind, fault.KindOf(err), err.Error())
	for _, text := range texts {
		require.ErrorContains(t, err, text)
	}
}

func TestSameArgumentsGiveTheSameRepository(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	a := source(t, c, "q.io/a/b", transport.Access{})
	require.Same(t, a, source(t, c, "q.io/a/b", transport.Access{}))
	require.NotSame(t, a, source(t, c, "q.io/a/b", plainly))
	require.NotSame(t, a, destination(t, c, "q.io/a/b", transport.Access{}))
	require.True(t, a.SameRegistry(destination(t, c, "q.io/c", transport.Access{})))
	require.True(t, a.SameRegistry(destination(t, c, "q.io/c", plainly)))
	require.False(t, a.SameRegistry(destination(t, c, "r.io/a/b", transport.Access{})))
	require.True(t, a.Same(destination(t, c, "q.io/a/b", plainly)))
	require.False(t, a.Same(destination(t, c, "q.io/c", transport.Access{})))
	require.Equal(t, "q.io/a/b", a.Name().Name())
	require.Equal(t, "q.io", a.Registry())
	require.Equal(t, "docker.io", source(t, c, "redis", transport.Access{}).Registry())
}

func TestClientsOfOneTransportKnowOnlyWhatTheyHaveAskedThemselves(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { googleTags(w) })
	shared := newTransport(t)
	first, second := NewClient(shared, Options{}), NewClient(shared, Options{})
	_, err := source(t, first, host+"/p/a", plainly).Tags(t.Context())
	require.NoError(t, err)

	require.NotEmpty(t, source(t, first, host+"/p/a", plainly).Digests(t.Context()))
	require.Empty(t, source(t, second, host+"/p/a", plainly).Digests(t.Context()))
	require.Equal(t, map[string]int64{host: 1}, first.Requests())
	require.Equal(t, map[string]int64{host: 0}, second.Requests())
}
