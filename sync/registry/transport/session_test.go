package transport

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote/auth"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// plainly reaches a registry that may not speak TLS.
var plainly = Access{TLSVerify: types.OptionalBoolFalse}

// asUser is the access of the user that the registries of these tests know.
func asUser(a Access) Access {
	a.Username, a.Password = "ci", "secret"
	return a
}

// waits are those that a transport would have made.
type waits struct {
	mu   sync.Mutex
	each []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each = append(w.each, d)
	return ctx.Err()
}

// newTransport is one that does not see this machine's configuration, and does
// not really wait.
func newTransport(t *testing.T, options ...func(*Options)) (*Transport, *waits) {
	t.Helper()
	dir := t.TempDir()
	o := Options{UserAgent: "csync/test", System: &types.SystemContext{
		AuthFilePath:             filepath.Join(dir, "auth.json"),
		DockerPerHostCertDirPath: filepath.Join(dir, "certs.d"),
	}}
	for _, option := range options {
		option(&o)
	}
	transport, w := New(o), &waits{}
	transport.wait = w.wait
	t.Cleanup(transport.Close)
	return transport, w
}

func newSession(t *testing.T, options ...func(*Options)) (*Session, *waits) {
	t.Helper()
	transport, w := newTransport(t, options...)
	return transport.Session(), w
}

// repository asks an endpoint as a client of registries would.
type repository struct {
	*Endpoint
	actions []string
}

func source(t *testing.T, s *Session, name string, a Access) repository {
	t.Helper()
	named, err := reference.ParseNormalizedNamed(name)
	require.NoError(t, err)
	e, err := s.Endpoint(Route{
		Registry: reference.Domain(named), Repository: reference.Path(named), Access: a,
		Insecure: a.TLSVerify == types.OptionalBoolFalse,
	})
	require.NoError(t, err)
	return repository{e, []string{auth.ActionPull}}
}

func destination(t *testing.T, s *Session, name string, a Access) repository {
	t.Helper()
	r := source(t, s, name, a)
	r.ExpectWrites()
	r.actions = append(r.actions, auth.ActionPush)
	return r
}

func (r repository) request(ctx context.Context, method, resource string, body io.Reader) *http.Request {
	scoped := auth.AppendRepositoryScope(ctx, orasregistry.Reference{Registry: r.Address(), Repository: r.Path()}, r.actions...)
	req, err := r.Request(scoped, method, resource, body)
	if err != nil {
		panic(err)
	}
	return req
}

// Tags lists tags.
func (r repository) Tags(ctx context.Context) ([]string, error) {
	resp, err := r.Send(r.request(ctx, http.MethodGet, "tags/list", nil), 1<<20)
	if err != nil {
		return nil, r.Failure(ctx, err, "fetching tags list")
	}
	var list struct{ Tags []string }
	return list.Tags, json.NewDecoder(resp.Body).Decode(&list)
}

// Resolve asks for a manifest, without its bytes.
func (r repository) Resolve(ctx context.Context, tag string) error {
	_, err := r.Send(r.request(ctx, http.MethodHead, "manifests/"+tag, nil), 1<<20)
	if err != nil {
		return r.Failure(ctx, err, "reading manifest")
	}
	return nil
}

// Blob opens what the registry has below the name of a blob.
func (r repository) Blob(ctx context.Context, name string) (io.ReadCloser, error) {
	resp, err := r.Open(r.request(ctx, http.MethodGet, "blobs/"+name, nil))
	if err != nil {
		return nil, r.Failure(ctx, err, "reading blob")
	}
	return resp.Body, nil
}

// Upload sends a blob, from a body that can be read but once.
func (r repository) Upload(ctx context.Context, content io.Reader) error {
	_, err := r.Send(r.request(ctx, http.MethodPut, "blobs/uploads/1", struct{ io.Reader }{content}), 1<<20)
	if err != nil {
		return r.Failure(ctx, err, "uploading blob")
	}
	return nil
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

func TestTheAPIOfDockerIoHasAnotherAddress(t *testing.T) {
	t.Parallel()
	s, _ := newSession(t)
	r := source(t, s, "redis", Access{})
	require.Equal(t, "docker.io", r.Registry())
	require.Equal(t, "registry-1.docker.io", r.Address())
	require.Equal(t, "docker.io/library/redis", r.Name())
}

func TestSessionsCountTheirOwnRequests(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	shared, _ := newTransport(t)
	first, second := shared.Session(), shared.Session()

	require.NoError(t, source(t, first, server.Host()+"/a", asUser(plainly)).Resolve(t.Context(), "1"))
	require.Equal(t, map[string]int64{server.Host(): 3}, first.Requests()) // 401, token, HEAD
	require.Empty(t, second.Requests())

	require.NoError(t, source(t, second, server.Host()+"/a", asUser(plainly)).Resolve(t.Context(), "1"))
	require.Equal(t, map[string]int64{server.Host(): 2}, second.Requests(), "with the token of the first")
	require.Equal(t, map[string]int64{server.Host(): 3}, first.Requests())
	require.Equal(t, 1, server.Connections())
}

func TestASessionWithOtherCredentialsHasNoneOfTheTokensThatAreThere(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	shared, _ := newTransport(t)
	require.NoError(t, source(t, shared.Session(), server.Host()+"/a", asUser(plainly)).Resolve(t.Context(), "1"))

	for name, access := range map[string]Access{
		"nobody":         plainly,
		"other password": {Username: "ci", Password: "other", TLSVerify: plainly.TLSVerify},
		"other user":     {Username: "cd", Password: "secret", TLSVerify: plainly.TLSVerify},
	} {
		err := source(t, shared.Session(), server.Host()+"/a", access).Resolve(t.Context(), "1")
		require.True(t, fault.Is(err, fault.Unauthorized), name)
	}
}

func TestARefusalEndsWithItsSession(t *testing.T) {
	t.Parallel()
	times := map[string]int{"of a token": 1, "of a password": 2}
	for name, option := range map[string]registrytest.Option{
		"of a token": registrytest.Token("ci", "secret"), "of a password": registrytest.Basic("ci", "secret"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.Start(t, option)
			shared, _ := newTransport(t)
			wrong := Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify}
			var asked []int
			for range 2 {
				s := shared.Session()
				server.Reset()
				for range 3 {
					_, err := source(t, s, server.Host()+"/a", wrong).Tags(t.Context())
					requireFault(t, err, fault.Unauthorized)
				}
				asked = append(asked, passwords(server))
			}
			require.Equal(t, []int{times[name], times[name]}, asked)
		})
	}
}

func TestTokensWhoseTimeIsUpAreForgottenWhenASessionBegins(t *testing.T) {
	t.Parallel()
	p := &pool{tokens: map[tokenKey]*tokenSlot{}}
	for scopes, renew := range map[string]time.Time{"old": time.Now(), "good": time.Now().Add(time.Hour)} {
		p.slot(tokenKey{scopes: scopes}).current.Store(&token{renew: renew})
	}
	transport := New(Options{})
	transport.pools[poolKey{}] = p

	transport.Session()

	require.Len(t, p.tokens, 1)
	require.Contains(t, p.tokens, tokenKey{scopes: "good"})
}
