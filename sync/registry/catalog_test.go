package registry

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestRepositoriesOfTheCatalog(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Catalog(), registrytest.Token("ci", "secret"))
	for _, name := range []string{"ns/b", "ns/a", "other/c", "nsx/d"} {
		server.Push(t, name, "1", registrytest.RandomImage(1))
	}
	c := newClient(t)
	all, err := c.Repositories(t.Context(), server.Host(), asUser(plainly))
	require.NoError(t, err)
	require.Equal(t, []string{"ns/a", "ns/b", "nsx/d", "other/c"}, all)
	some, err := c.Repositories(t.Context(), server.Host()+"/ns", asUser(plainly))
	require.NoError(t, err)
	require.Equal(t, []string{"ns/a", "ns/b"}, some)
}

func TestRepositoriesOfQuay(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		query := req.URL.Query()
		switch {
		case req.URL.Path != "/api/v1/repository" || query.Get("namespace") != "ns":
			w.WriteHeader(http.StatusNotFound)
		case query.Get("next_page") == "":
			_, _ = io.WriteString(w, `{"repositories":[{"namespace":"ns","name":"b"}],"next_page":"x"}`)
		default:
			_, _ = io.WriteString(w, `{"repositories":[{"namespace":"ns","name":"a"}]}`)
		}
	})
	c := newClient(t)
	names, err := c.Repositories(t.Context(), host+"/ns", plainly)
	require.NoError(t, err)
	require.Equal(t, []string{"ns/a", "ns/b"}, names)
	_, err = c.Repositories(t.Context(), host, plainly)
	requireFault(t, err, fault.NotFound, "listing repositories of "+host+": StatusCode: 404")
}

func TestRepositoriesOfHarbor(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		user, _, _ := req.BasicAuth()
		if user != "ci" {
			w.Header().Set("WWW-Authenticate", "Basic realm=x")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var page []map[string]string
		switch path := req.URL.Path; {
		case path != "/api/v2.0/repositories" && path != "/api/v2.0/projects/ns/repositories":
			w.WriteHeader(http.StatusForbidden)
			return
		case req.URL.Query().Get("page") == "1":
			for i := range 100 {
				page = append(page, map[string]string{"name": sprint("ns/a%02d", i)})
			}
		default:
			page = append(page, map[string]string{"name": "ns/b"})
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	c := newClient(t)
	for _, where := range []string{host, host + "/ns"} {
		names, err := c.Repositories(t.Context(), where, asUser(plainly))
		require.NoError(t, err)
		require.Len(t, names, 101)
	}
}
