package quay_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/log"
	"csync/sync/registry"
	"csync/sync/registry/quay"
	"csync/sync/registry/transport"
)

const token = "s3cr3t-t0ken"

// standIn behaves as Quay's API does.
type standIn struct {
	t       *testing.T
	host    string
	certDir string

	mu           sync.Mutex
	repositories map[string]map[string]bool // and their tags
	asked        []string
	answers      []func(http.ResponseWriter, *http.Request) // given first, one a request
}

func start(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{t: t, repositories: map[string]map[string]bool{}, certDir: t.TempDir()}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "https://")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(filepath.Join(s.certDir, "ca.crt"), certificate, 0o600))
	return s
}

// next answers the next requests, instead of the API.
func (s *standIn) next(answers ...func(http.ResponseWriter, *http.Request)) { s.answers = answers }

func status(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, code, body) }
}

func answer(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
}

// problem is how Quay says what is wrong.
func problem(code int, message string) string {
	return fmt.Sprintf(`{"detail": %q, "error_message": %q, "error_type": "invalid_request", "title": "invalid_request",`+
		` "type": "https://quay.example/api/v1/error/invalid_request", "status": %d}`, strings.Repeat("long ", 60), message, code)
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(req.Body)
	s.asked = append(s.asked, strings.TrimSpace(req.Method+" "+req.URL.Path+" "+string(body)))
	if len(s.answers) > 0 {
		first := s.answers[0]
		s.answers = s.answers[1:]
		first(w, req)
		return
	}
	if req.Header.Get("Authorization") != "Bearer "+token {
		answer(w, http.StatusUnauthorized, `{"error_message": "Requires authentication", "status": 401}`)
		return
	}
	path := strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, "/api/v1/repository"), "/")
	switch req.Method {
	case http.MethodPost:
		s.create(w, body)
	case http.MethodDelete:
		s.remove(w, path)
	}
}

func (s *standIn) create(w http.ResponseWriter, body []byte) {
	var wanted struct{ Namespace, Repository, Visibility string }
	if json.Unmarshal(body, &wanted) != nil || wanted.Visibility == "" {
		answer(w, http.StatusBadRequest, problem(400, "Invalid request"))
		return
	}
	name := wanted.Namespace + "/" + wanted.Repository
	if _, exists := s.repositories[name]; exists {
		answer(w, http.StatusBadRequest, problem(400, "Repository already exists"))
		return
	}
	s.repositories[name] = map[string]bool{}
	answer(w, http.StatusCreated, fmt.Sprintf(`{"namespace": %q, "name": %q, "kind": "image"}`, wanted.Namespace, wanted.Repository))
}

func (s *standIn) remove(w http.ResponseWriter, path string) {
	name, tag, isTag := strings.Cut(path, "/tag/")
	tags, exists := s.repositories[name]
	switch {
	case !exists, isTag && !tags[tag]:
		answer(w, http.StatusNotFound, problem(404, "Not Found"))
		return
	case isTag:
		delete(tags, tag)
	default:
		delete(s.repositories, name)
	}
	w.WriteHeader(http.StatusNoContent)
}

// client is one for the stand-in, with the given token.
func (s *standIn) client(token transport.Secret) *quay.Client {
	s.t.Helper()
	api, err := s.run(registry.Options{}).API(s.host, transport.Access{RegistryToken: token, CertDir: s.certDir})
	require.NoError(s.t, err)
	return quay.At(api)
}

func (s *standIn) run(o registry.Options) *registry.Client {
	shared := transport.New(transport.Options{RetryDelay: time.Millisecond, Retries: 2, System: &types.SystemContext{
		SystemRegistriesConfPath: "/dev/null", SystemRegistriesConfDirPath: s.t.TempDir(),
		AuthFilePath: filepath.Join(s.t.TempDir(), "auth.json"),
	}})
	s.t.Cleanup(shared.Close)
	return registry.NewClient(shared, o)
}

func (s *standIn) name(path string) reference.Named {
	s.t.Helper()
	name, err := reference.ParseNormalizedNamed(s.host + "/" + path)
	require.NoError(s.t, err)
	return name
}

func TestARepositoryIsCreatedAndOneThatExistsIsFine(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.client(token)
	created, err := c.Create(t.Context(), s.name("tripleomaster/openstack-base"), quay.Public, "base of master")
	require.NoError(t, err)
	require.True(t, created)
	created, err = c.Create(t.Context(), s.name("tripleomaster/openstack-base"), quay.Private, "")
	require.NoError(t, err)
	require.False(t, created)
	require.Len(t, s.asked, 2)
	_, body, _ := strings.Cut(s.asked[0], " /api/v1/repository ")
	require.JSONEq(t, `{"namespace": "tripleomaster", "repository": "openstack-base", "visibility": "public",`+
		`"description": "base of master", "repo_kind": "image"}`, body)
}

func TestDefectR1ANameIsNotPrefixedTwice(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{"ns/openstack-openstack-x", "ns/openstack-x", "ns/deep/er/x"} {
		_, err := s.client(token).Create(t.Context(), s.name(path), quay.Public, "")
		require.NoError(t, err)
		require.Contains(t, s.repositories, path)
	}
	require.Len(t, s.repositories, 3)
}

func TestDefectQ2EveryStatusIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code int
		body string
		kind fault.Kind
		text string
	}{
		{http.StatusOK, "<html>Quay</html>", fault.Unsupported, "answers 200 OK instead of"},
		{http.StatusAccepted, "", fault.Unsupported, "answers 202 Accepted instead of"},
		{http.StatusBadRequest, problem(400, "Invalid repository name"), fault.Unsupported, `StatusCode: 400, "Invalid repository name"`},
		{http.StatusUnauthorized, problem(401, "Requires authentication"), fault.Unauthorized, "check the token"},
		{http.StatusForbidden, problem(403, "Unauthorized"), fault.Denied, "check the token"},
		{http.StatusMethodNotAllowed, "", fault.Unsupported, "405"},
		{http.StatusConflict, "", fault.Conflict, "409"},
		{http.StatusTeapot, "", fault.Unsupported, "418"},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for doing, do := range eachAction(t, s) {
				s.asked = nil
				s.next(status(c.code, c.body))
				err := do(s.client(token))
				require.Equal(t, c.kind, fault.KindOf(err), "%v", err)
				require.ErrorContains(t, err, c.text)
				require.ErrorContains(t, err, doing)
				require.Len(t, s.asked, 1)
			}
		})
	}
}

// eachAction is all that a client does, by what its errors begin with.
func eachAction(t *testing.T, s *standIn) map[string]func(*quay.Client) error {
	t.Helper()
	return map[string]func(*quay.Client) error{
		"creating repository " + s.host + "/ns/a: ": func(c *quay.Client) error {
			created, err := c.Create(t.Context(), s.name("ns/a"), quay.Public, "")
			require.False(t, created)
			return err
		},
		"deleting tag 1 of " + s.host + "/ns/a: ":   func(c *quay.Client) error { return c.DeleteTag(t.Context(), s.name("ns/a"), "1") },
		"deleting repository " + s.host + "/ns/a: ": func(c *quay.Client) error { return c.DeleteRepository(t.Context(), s.name("ns/a")) },
	}
}

func TestDefectQ3TheAPIIsThatOfTheDestination(t *testing.T) {
	t.Parallel()
	s, other := start(t), start(t)
	_, err := s.client(token).Create(t.Context(), s.name("ns/a"), quay.Public, "")
	require.NoError(t, err)
	_, err = s.client(token).Create(t.Context(), other.name("ns/a"), quay.Public, "")
	require.ErrorContains(t, err, "it is not at "+s.host)
	require.Len(t, s.asked, 1)
	require.Empty(t, other.asked)
}

func TestDefectQ7AFailureNamesItsRepository(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.next(status(http.StatusInternalServerError, ""), status(http.StatusBadGateway, ""), status(http.StatusInternalServerError, ""))
	_, err := s.client(token).Create(t.Context(), s.name("ns/openstack-base"), quay.Public, "")
	require.ErrorContains(t, err, "creating repository "+s.host+"/ns/openstack-base: StatusCode: 500")
	require.True(t, fault.Is(err, fault.Network))
	require.Len(t, s.asked, 3)
}

func TestAServerErrorIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.next(status(http.StatusInternalServerError, "oops"), status(http.StatusTooManyRequests, ""))
	created, err := s.client(token).Create(t.Context(), s.name("ns/a"), quay.Public, "")
	require.NoError(t, err)
	require.True(t, created)
	require.Len(t, s.asked, 3)
	require.Equal(t, s.asked[0], s.asked[2], "the body is sent again")
}

func TestATagAndARepositoryAreDeletedAndNothingElse(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.repositories = map[string]map[string]bool{"ns/a": {"1": true, "2": true}, "ns/b": {"1": true}}
	c := s.client(token)
	for range 2 { // the second time it is gone already
		require.NoError(t, c.DeleteTag(t.Context(), s.name("ns/a"), "1"))
		require.NoError(t, c.DeleteRepository(t.Context(), s.name("ns/b")))
	}
	require.Equal(t, map[string]map[string]bool{"ns/a": {"2": true}}, s.repositories)
}

func TestWhatIsNoRepositoryOrTagIsNotAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.client(token)
	for _, tag := range []string{"", ".", "a/b", "../../x"} {
		err := c.DeleteTag(t.Context(), s.name("ns/a"), tag)
		require.True(t, fault.Is(err, fault.Input), "%v", err)
	}
	require.ErrorContains(t, c.DeleteRepository(t.Context(), s.name("a")), "names none")
	_, err := c.Create(t.Context(), s.name("ns/a"), "", "")
	require.True(t, fault.Is(err, fault.Input), "%v", err)
	require.Empty(t, s.asked)
}

func TestTheTokenShowsNowhere(t *testing.T) {
	t.Parallel()
	s := start(t)
	var lines bytes.Buffer
	logger := logrus.New()
	logger.SetOutput(&lines)
	logger.SetLevel(logrus.TraceLevel)
	ctx := log.With(t.Context(), logger)
	for _, code := range []int{400, 401, 403, 500} {
		s.next(status(code, "no"), status(code, "no"), status(code, "no"))
		_, err := s.client(token).Create(ctx, s.name("ns/a"), quay.Public, "")
		require.Error(t, err)
		require.NotContains(t, fmt.Sprintf("%+v", err), token)
	}
	require.NotEmpty(t, lines.String())
	require.NotContains(t, lines.String(), token)
}

func TestTheTokenIsNotShownToWhereARedirectLeads(t *testing.T) {
	t.Parallel()
	s, other := start(t), start(t)
	s.next(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "https://"+other.host+req.URL.Path, http.StatusTemporaryRedirect)
	})
	other.next(func(w http.ResponseWriter, req *http.Request) {
		require.Empty(t, req.Header.Get("Authorization"))
		w.WriteHeader(http.StatusUnauthorized)
	})
	require.Error(t, s.client(token).DeleteTag(t.Context(), s.name("ns/a"), "1"))
}

func TestAWrongTokenIsSaidToBeThat(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.client("wrong").Create(t.Context(), s.name("ns/a"), quay.Public, "")
	require.True(t, fault.Is(err, fault.Unauthorized))
	require.ErrorContains(t, err, "OAuth application of "+s.host)
	require.NotContains(t, err.Error(), "csync login")
	require.Len(t, s.asked, 1)
}

func TestARunThatOnlyReadsHasNoAPIToWriteTo(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.run(registry.Options{ReadOnly: true}).API(s.host, transport.Access{})
	require.True(t, fault.Is(err, fault.Internal), "%v", err)
}
