package transport

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	s, _ := newSession(t)
	r := source(t, s, server.Host()+"/a", asUser(plainly))
	resolveAll(t, 10, func(int) repository { return r })
	require.Equal(t, "manifest-head 10\nunauthorized 1\n", server.Counts())

	for name, access := range map[string]Access{
		"nobody":      plainly,
		"anonymous":   {Username: "ci", Password: "secret", Anonymous: true, TLSVerify: plainly.TLSVerify},
		"other user":  {Username: "ci", Password: "other", TLSVerify: plainly.TLSVerify},
		"other token": {RegistryToken: "x", TLSVerify: plainly.TLSVerify},
	} {
		server.Reset()
		_, err := source(t, s, server.Host()+"/a", access).Tags(t.Context())
		requireFault(t, err, fault.Unauthorized, "fetching tags list: "+denied, "csync login "+server.Host())
		require.LessOrEqual(t, len(server.Log()), 4, name)
	}
}

func TestAPasswordThatARegistryDoesNotTakeIsSentTwice(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	s, w := newSession(t)
	wrong := Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify}
	var all sync.WaitGroup
	for i := range 30 {
		r := source(t, s, fmt.Sprint(server.Host(), "/a", i), wrong)
		all.Go(func() {
			_, err := r.Tags(t.Context())
			if !fault.Is(err, fault.Unauthorized) || !strings.Contains(err.Error(), denied) || !strings.Contains(err.Error(), "csync login "+server.Host()) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	beside := source(t, s, server.Host()+"/a", wrong)
	req, err := beside.RequestAt(t.Context(), http.MethodGet, "/api/v1/repository", nil)
	require.NoError(t, err)
	_, err = beside.SendPassword(req, 100)
	require.Equal(t, http.StatusUnauthorized, Status(err))
	require.Equal(t, 2, passwords(server), server.Counts()) // with a request, and to ask whether it is taken at all
	require.Empty(t, w.each)
}

func TestAPasswordThatARegistryHadNoTimeToLookAtIsNotTakenYet(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	var busy atomic.Bool
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") == "" || busy.Swap(true) {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	s, _ := newSession(t)
	wrong := Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify}
	for range 3 {
		requireFault(t, source(t, s, server.Host()+"/a", wrong).Resolve(t.Context(), "1"), fault.Unauthorized)
	}
	require.Equal(t, 3, passwords(server), server.Counts())
}

func TestOneRefusalAfterAPasswordWasTakenRefusesNothingElse(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	server.Push(t, "a", "1", registrytest.RandomImage(1))
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasPrefix(req.URL.Path, "/v2/private/") {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return strings.HasPrefix(req.URL.Path, "/v2/private/")
	})
	s, _ := newSession(t)
	for range 2 {
		require.NoError(t, source(t, s, server.Host()+"/a", asUser(plainly)).Resolve(t.Context(), "1"))
		err := source(t, s, server.Host()+"/private", asUser(plainly)).Resolve(t.Context(), "1")
		requireFault(t, err, fault.Unauthorized)
	}
}

// closed answers 401 to every password for one of the repositories.
func closed(repositories ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		for _, repository := range repositories {
			if req.Header.Get("Authorization") != "" && strings.HasPrefix(req.URL.Path, "/v2/"+repository+"/") {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
		}
		return false
	}
}

func TestOneRefusalRefusesNothingElseInAnyOrder(t *testing.T) {
	t.Parallel()
	repositories := []string{"a", "b", "c", "private"}
	for first := range repositories {
		server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
		for _, repository := range repositories {
			server.Push(t, repository, "1", registrytest.RandomImage(1))
		}
		server.Intercept(closed("private"))
		s, _ := newSession(t)
		for i := range repositories {
			repository := repositories[(first+i)%len(repositories)]
			err := source(t, s, server.Host()+"/"+repository, asUser(plainly)).Resolve(t.Context(), "1")
			if repository == "private" {
				requireFault(t, err, fault.Unauthorized)
			} else {
				require.NoError(t, err, "%s after %s", repository, repositories[first])
			}
		}
		require.LessOrEqual(t, server.Count(registrytest.Ping), 1, server.Counts())
	}
}

func TestAPasswordThatOpensNothingWhereEverybodyMayAskIsSentThreeTimes(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path == "/v2/" {
			w.WriteHeader(http.StatusOK)
		}
		return req.URL.Path == "/v2/"
	})
	s, _ := newSession(t)
	wrong := Access{Username: "ci", Password: "wrong", TLSVerify: plainly.TLSVerify}
	for range 10 {
		requireFault(t, source(t, s, server.Host()+"/a", wrong).Resolve(t.Context(), "1"), fault.Unauthorized)
	}
	require.Equal(t, 3, passwords(server), server.Counts())
}

func TestAPasswordThatNobodyCouldSayAnythingOfIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	var asked atomic.Int64
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != "/v2/" || asked.Add(1) > 1 {
			return closed("private")(w, req)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	s, _ := newSession(t)
	for range 3 {
		err := source(t, s, server.Host()+"/private", asUser(plainly)).Resolve(t.Context(), "1")
		requireFault(t, err, fault.Unauthorized)
	}
	require.EqualValues(t, 3, asked.Load(), "in vain, then without the password and with it")
}

// passwords is the number of requests with one.
func passwords(server *registrytest.Registry) int {
	n := 0
	for _, request := range server.Log() {
		if request.Scheme == "Basic" {
			n++
		}
	}
	return n
}
