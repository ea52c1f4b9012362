package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestListReposReadsTheCatalog(t *testing.T) {
	registry := registrytest.Start(t, registrytest.Catalog())
	for _, repository := range []string{"web/nginx", "web/caddy", "db/redis"} {
		registry.Push(t, repository, "1", registrytest.RandomImage(1))
	}
	got := runCsync(t, "list-repos", "--tls-verify=false", "docker://"+registry.Host()+"/")
	require.Equal(t, exitDone, got.code, got.err)
	require.JSONEq(t, `{"Registry": "`+registry.Host()+`", "Repositories": ["db/redis", "web/caddy", "web/nginx"]}`, got.out)

	got = runCsync(t, "list-repos", "--tls-verify=false", "--output=text", registry.Host()+"/web")
	require.Equal(t, exitDone, got.code, got.err)
	require.Equal(t, "web/caddy\nweb/nginx\n", got.out)
}

func TestListReposAsksQuayAndHarborWhereThereIsNoCatalog(t *testing.T) {
	for _, test := range []struct{ name, path, answer string }{
		{"quay", "/api/v1/repository", `{"repositories": [{"namespace": "web", "name": "nginx"}]}`},
		{"harbor", "/api/v2.0/projects/web/repositories", `[{"name": "web/nginx"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := registrytest.Start(t)
			registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != test.path {
					return false
				}
				_, _ = io.WriteString(w, test.answer) // a client that is not answered fails
				return true
			})
			got := runCsync(t, "list-repos", "--tls-verify=false", registry.Host()+"/web")
			require.Equal(t, exitDone, got.code, got.err)
			require.JSONEq(t, `{"Registry": "`+registry.Host()+`/web", "Repositories": ["web/nginx"]}`, got.out)
		})
	}
}

func TestListReposSaysWhereNothingCanBeListed(t *testing.T) {
	registry := registrytest.Start(t)
	got := runCsync(t, "list-repos", "--tls-verify=false", registry.Host())
	require.Equal(t, exitNoRun, got.code)
	require.Empty(t, got.out)
	require.Contains(t, got.err, "listing repositories of "+registry.Host())
}
