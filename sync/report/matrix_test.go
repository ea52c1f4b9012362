package report

import (
	"fmt"
	"strings"
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

func matrixOf(verb string, results ...Result) matrix {
	return newMatrix(finished(verb, false, results))
}

func places(m matrix) []string {
	var places []string
	for _, column := range m.Columns {
		places = append(places, strings.TrimSuffix(column.Place+"/"+column.Path, "/"))
	}
	return places
}

func rowNames(m matrix) []string {
	var names []string
	for _, row := range m.Rows {
		names = append(names, row.Name)
	}
	return names
}

func parts(c cell) string {
	var said []string
	for _, part := range c.Parts {
		said = append(said, part.Name+" "+string(part.Status))
	}
	return strings.Join(said, ", ")
}

func TestOneImageAtTwoDestinationsIsOneRow(t *testing.T) {
	t.Parallel()
	first, second := copied("redis", "7.4"), copied("redis", "7.4")
	second.Destination = "docker://mirror.example.net:5000/staging/redis:7.4"
	alias := second
	alias.Destination = "docker://mirror.example.net:5000/staging/redis:stable"
	got := matrixOf("sync", first, second, alias)
	require.Equal(t, []string{"mirror.example.net:5000", "mirror.example.net:5000/staging"}, places(got))
	require.Equal(t, []string{"redis:7.4"}, rowNames(got))
	require.Equal(t, "registry.example.com/library", got.From)
	require.Equal(t, "copied done", parts(got.Rows[0].Cells[0]))
	require.Equal(t, "copied done, further tag done", parts(got.Rows[0].Cells[1]))
	require.Equal(t, "stable", got.Rows[0].Cells[1].Entries[1].Name)
}

func TestNamespacesOfOneRegistryAreOneColumnUnlessAnImageGoesToSeveral(t *testing.T) {
	t.Parallel()
	var results []Result
	for _, team := range []string{"red", "blue", "green"} {
		results = append(results, Result{Source: "docker://q.io/" + team + "/app:1", Destination: "docker://m.io/all/" + team + "/server:1"})
	}
	got := matrixOf("sync", results...)
	require.Equal(t, []string{"m.io/all"}, places(got))
	require.Equal(t, "blue/server:1", got.Rows[0].Cells[0].Entries[0].Name)

	results = append(results, Result{Source: results[0].Source, Destination: "docker://m.io/all/extra/server:1"})
	require.Equal(t, []string{"m.io/all/blue", "m.io/all/extra", "m.io/all/green", "m.io/all/red"}, places(matrixOf("sync", results...)))
}

func TestManyDestinationsAreAColumnForEachRegistry(t *testing.T) {
	t.Parallel()
	results := []Result{{Destination: "dir:/mnt/disk/redis:7.4", Source: "docker://q.io/redis:7.4"}}
	for i := range maxColumns {
		results = append(results, Result{Destination: fmt.Sprintf("docker://q.io/team-%d/redis:7.4", i), Source: "docker://q.io/redis:7.4"})
	}
	got := matrixOf("sync", results...)
	require.Equal(t, []string{"dir:/mnt/disk", "q.io"}, places(got))
	require.Len(t, got.Rows[0].Cells[1].Entries, maxColumns)
	require.Equal(t, "team-0/redis:7.4", got.Rows[0].Cells[1].Entries[0].Name)
}

func TestADeletedImageIsARowOfItsDestination(t *testing.T) {
	t.Parallel()
	got := matrixOf("prune", Result{Action: Delete, Status: Done, Destination: "docker://q.io/a/b:1"}, Result{Action: Delete, Status: Done, Destination: "docker://m.io/a/b:1"})
	require.Equal(t, []string{"b:1"}, rowNames(got))
	require.Equal(t, []string{"m.io/a", "q.io/a"}, places(got))
	require.Equal(t, "deleted done", parts(got.Rows[0].Cells[0]))
}

func TestAPromotedImageIsOneRowOfTagsIndexAndLabel(t *testing.T) {
	t.Parallel()
	got := newMatrix(promotion(2, 2).report())
	require.Equal(t, []string{"openstack-aodh-api", "openstack-barbican-worker"}, rowNames(got))
	require.Equal(t, []string{"mirror.example.net:5000/rdo", "quay.example.com", "trunk.example.com:5000"}, places(got))
	require.Equal(t, []bool{false, false, true}, []bool{got.Columns[0].Source, got.Columns[1].Source, got.Columns[2].Source})
	require.Equal(t, "2 tags done, index done, label done", parts(got.Rows[0].Cells[0]))
	require.Equal(t, "tag done, index done, label done", parts(got.Rows[1].Cells[1]))
	require.Equal(t, "label done", parts(got.Rows[1].Cells[2]))
	require.Equal(t, releaseHash+"_ppc64le", got.Rows[0].Cells[0].Entries[0].Name)
	require.Len(t, got.Rows[0].Gates, 1, "each image's is said once")
	require.Len(t, got.Rows[0].Versions, 4)
}

func TestARollbackHasARowForEachImageWhateverItsNamespace(t *testing.T) {
	t.Parallel()
	var results []Result
	for _, place := range append(mirrors(2), trunk) {
		results = append(results, Result{Action: Retag, Status: Done, Destination: place + "openstack-base:current", Verified: true})
		results = append(results, Result{Action: Delete, Status: Done, Destination: place + "openstack-nova:current", Verified: true})
	}
	got := matrixOf("promote", results...)
	require.Equal(t, []string{"openstack-base", "openstack-nova"}, rowNames(got))
	require.Len(t, got.Columns, 3)
	require.Equal(t, "deleted done", parts(got.Rows[1].Cells[2]))
}

func TestRowsThatNeedAttentionComeFirst(t *testing.T) {
	t.Parallel()
	failed, sentBack := copied("redis", "2"), copied("redis", "3")
	failed.Status, sentBack.Status = Failed, RolledBack
	skipped := copied("redis", "4")
	skipped.Status = Skipped
	got := matrixOf("sync", copied("redis", "1"), sentBack, failed, skipped)
	require.Equal(t, []string{"redis:2", "redis:3", "redis:1", "redis:4"}, rowNames(got))
}
