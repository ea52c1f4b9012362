package report

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestColumnIsWhatDestinationsShare(t *testing.T) {
	t.Parallel()
	source := "docker://registry.example.com/library/nginx:1"
	cases := []struct{ name, source, destination, want string }{
		{"the last element", source, "docker://q.io/mirror/nginx:1", "docker://q.io/mirror"},
		{"the whole path", source, "docker://q.io/mirror/library/nginx:1", "docker://q.io/mirror"},
		{"the path and the registry", source, "docker://q.io/mirror/registry.example.com/library/nginx:1", "docker://q.io/mirror"},
		{"by digest", source, "docker://q.io:5000/nginx@sha256:12", "docker://q.io:5000"},
		{"renamed", source, "docker://q.io/web/server:1", "docker://q.io/web"},
		{"the same repository", source, source, "docker://registry.example.com"},
		{"a registry alone", source, "docker://q.io", "docker://q.io"},
		{"a directory", source, "dir:/mnt/disk/nginx:1", "dir:/mnt/disk"},
		{"a directory with no more", source, "dir:disk", "dir:disk"},
		{"a layout", source, "oci:/mnt/layout:nginx:1", "oci:/mnt/layout"},
		{"an archive", source, "docker-archive:/mnt/a.tar:nginx:1", "docker-archive:/mnt/a.tar"},
		{"a store", source, "containers-storage:docker.io/library/nginx:1", "containers-storage"},
		{"not known", source, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, column(Result{Source: c.source, Destination: c.destination}))
		})
	}
}

func TestOneImageAtTwoDestinationsIsOneRow(t *testing.T) {
	t.Parallel()
	first, second := copied("redis", "7.4"), copied("redis", "7.4")
	second.Destination = "docker://mirror.example.net:5000/staging/redis:7.4"
	alias := second
	alias.Destination = "docker://mirror.example.net:5000/staging/redis:stable"
	got := newMatrix([]Result{first, second, alias})
	require.Equal(t, []string{"docker://mirror.example.net:5000", "docker://mirror.example.net:5000/staging"}, got.Columns)
	require.Len(t, got.Rows, 1)
	require.Equal(t, []entry{{first, ""}}, got.Rows[0].Cells[0])
	require.Equal(t, []entry{{second, ""}, {alias, "redis:stable"}}, got.Rows[0].Cells[1])
}

func TestManyDestinationsAreAColumnForEachRegistry(t *testing.T) {
	t.Parallel()
	results := []Result{{Destination: "dir:/mnt/disk/redis:7.4", Source: "docker://q.io/redis:7.4"}}
	for i := range maxColumns {
		results = append(results, Result{Destination: fmt.Sprintf("docker://q.io/team-%d/redis:7.4", i), Source: "docker://q.io/redis:7.4"})
	}
	got := newMatrix(results)
	require.Equal(t, []string{"dir:/mnt/disk", "docker://q.io"}, got.Columns)
	require.Len(t, got.Rows[0].Cells[1], maxColumns)
	require.Equal(t, "team-0/redis:7.4", got.Rows[0].Cells[1][0].Name)
}

func TestADeletedImageIsARowOfItsDestination(t *testing.T) {
	t.Parallel()
	got := newMatrix([]Result{{Action: Delete, Destination: "docker://q.io/a/b:1"}})
	require.Equal(t, "docker://q.io/a/b:1", got.Rows[0].Image)
}
