package run_test

import (
	"archive/tar"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	dockerarchive "go.podman.io/image/v5/docker/archive"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestADockerArchiveKeepsOnePlatformOfSeveralImages(t *testing.T) {
	t.Parallel()
	source, back, path := registrytest.Start(t), registrytest.Start(t), filepath.Join(t.TempDir(), "shelf.tar")
	source.Push(t, "team/app", "1.0", registrytest.MultiPlatform(1, "linux/s390x", "linux/ppc64le"))
	source.Push(t, "web", "2.0", registrytest.RandomImage(9, registrytest.WithDocker(), registrytest.WithPlatform("linux/ppc64le")))
	l := newLab(t, "docker-archive:"+path)

	results := l.sync(allOf(source, "team/app", "web") + "  csync: {platforms: [linux/ppc64le]}\n")

	requireAll(t, report.Done, results)
	listed, err := image.List("docker-archive:"+path, l.system)
	require.NoError(t, err)
	require.Len(t, listed, 2)
	names := []string{listed[0].Name.String(), listed[1].Name.String()}
	require.ElementsMatch(t, []string{"team/app:1.0", "web:2.0"}, names)
	ref, err := dockerarchive.ParseReference(path + ":docker.io/library/web:2.0")
	require.NoError(t, err)
	read, err := ref.NewImage(t.Context(), l.system)
	require.NoError(t, err)
	defer read.Close()
	config, err := read.OCIConfig(t.Context())
	require.NoError(t, err)
	require.Equal(t, "ppc64le", config.Architecture)
	requireAll(t, report.Done, newLab(t, "docker://"+back.Host()).syncImages("docker-archive:"+path))
	require.Len(t, back.Image(t, "team/app", "1.0").Blobs, 3)
}

func TestADockerArchiveRefusesADigest(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	sum := source.Push(t, "app", "", registrytest.RandomImage(1))

	results := newLab(t, "docker-archive:"+filepath.Join(directory, "shelf.tar")).sync(oneOf(source, "app", sum.String()))

	requireFailure(t, results[0], fault.Unsupported, fault.Destination, "docker-archive keeps tags")
	require.Empty(t, entriesOf(t, directory))
}

func TestPodmansStoreIsFilledAndReadFrom(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return
	}
	top := t.TempDir()
	store := "containers-storage:[vfs@" + filepath.Join(top, "root") + "+" + filepath.Join(top, "run") + "]"
	source, back := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "team/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/ppc64le", "linux/s390x"))

	results := newLab(t, store).sync(oneOf(source, "team/app", "1.0"))

	requireAll(t, report.Done, results)
	require.True(t, strings.HasSuffix(results[0].Destination, "team/app:1.0"), results[0].Destination)
	into := newLab(t, "docker://"+back.Host())
	requireAll(t, report.Done, into.syncImages(store+"docker.io/team/app:1.0"))
	require.Len(t, back.Image(t, "app", "1.0").Blobs, 3)
}

func TestADaemonThatCannotBeReachedIsAFailure(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t)
	l.system.DockerDaemonHost = "unix://" + filepath.Join(t.TempDir(), "none.sock")
	l.places = append(l.places, l.place("docker-daemon:"))

	results := l.sync(oneOf(source, "app", "1.0"))

	require.Len(t, results, 1)
	requireFailure(t, results[0], fault.Network, fault.Destination, "docker-daemon:", "none.sock")
}

func TestADaemonIsGivenWhatItDoesNotHave(t *testing.T) {
	t.Parallel()
	source, loaded := registrytest.Start(t), make(chan string, 1)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithDocker()))
	daemon := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Api-Version", "1.44")
		w.Header().Set("Content-Type", "application/json")
		switch path := req.URL.Path; {
		case strings.HasSuffix(path, "/images/load"):
			loaded <- tarNames(req.Body)
			_, _ = io.WriteString(w, `{"stream":"Loaded"}`)
		case strings.Contains(path, "/images/"):
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"reference does not exist"}`)
		}
	}))
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	daemon.Listener = listener
	daemon.Start()
	t.Cleanup(daemon.Close)
	l := newLab(t)
	l.system.DockerDaemonHost = "unix://" + socket
	l.places = append(l.places, l.place("docker-daemon:"))

	results := l.sync(oneOf(source, "app", "1.0"))

	requireAll(t, report.Done, results)
	require.Contains(t, <-loaded, "manifest.json")
}

// tarNames are the names in a tar stream.
func tarNames(stream io.Reader) string {
	var names []string
	for entries := tar.NewReader(stream); ; {
		header, err := entries.Next()
		if err != nil {
			return strings.Join(names, " ")
		}
		names = append(names, header.Name)
	}
}

func TestADockerArchiveKeepsSeveralTagsOfOneImageAndIsBegunAnewWithAnother(t *testing.T) {
	t.Parallel()
	source, directory := registrytest.Start(t), t.TempDir()
	image := registrytest.RandomImage(1)
	for _, tag := range []string{"1.0", "latest"} {
		source.Push(t, "app", tag, image)
	}
	source.Push(t, "web", "2.0", registrytest.RandomImage(2))
	place := "docker-archive:" + directory + "/shelf.tar"
	further := "  csync: {repositories: {app: {tags: {'1.0': [stable, old]}}}}\n"

	requireAll(t, report.Done, newLab(t, place).sync(allOf(source, "app")+further))
	requireAll(t, report.Done, newLab(t, place).sync(allOf(source, "app", "web")+further))

	back := registrytest.Start(t)
	requireAll(t, report.Done, newLab(t, "docker://"+back.Host()).syncImages(place))
	require.ElementsMatch(t, []string{"1.0", "latest", "stable", "old"}, back.Tags(t, "app"))
	require.Equal(t, []string{"2.0"}, back.Tags(t, "web"))
	require.Equal(t, []string{"shelf.tar"}, entriesOf(t, directory))
}
