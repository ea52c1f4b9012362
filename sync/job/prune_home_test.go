package job_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// home is a place on this machine that a source file has been synced to.
func home(t *testing.T, place string) *mirror {
	t.Helper()
	m := newMirror(t, registrytest.Start(t))
	m.options.Destinations = []string{place}
	m.push("1.0 1.1", "")
	m.source.Retag(t, "app", "1.0", "stable")
	m.keys("images: {app: []}")
	require.Empty(t, failures(m.sync()))
	return m
}

// names are those of the images of a place, without what is before the last slash.
func (m *mirror) names(place string) []string {
	m.t.Helper()
	stock, err := image.OpenStock(place, nil)
	require.NoError(m.t, err)
	names, err := stock.Names()
	require.NoError(m.t, err)
	for i, name := range names {
		names[i] = name[strings.LastIndexByte(name, '/')+1:]
	}
	slices.Sort(names)
	return names
}

func (m *mirror) remove(p job.Pruning, references ...string) *report.Report {
	m.t.Helper()
	o := m.options
	o.Verb, o.Destinations = job.Prune, nil
	p.References = references
	done, err := job.RunPrune(m.t.Context(), o, p)
	require.NoError(m.t, err)
	return done
}

// tryHome prunes a place in every way; separator is between it and a name.
func tryHome(t *testing.T, place, separator, prefix string) {
	t.Helper()
	m := home(t, place)
	require.Equal(t, []string{"app:1.0", "app:1.1", "app:stable"}, m.names(place))

	refused := m.remove(job.Pruning{}, place+separator+prefix+"app:1.1")
	require.Contains(t, failures(refused), "nothing would name any more")
	require.Len(t, m.names(place), 3)

	done := m.remove(job.Pruning{}, place+separator+prefix+"app:1.0", place+separator+prefix+"app:none")
	require.Empty(t, failures(done))
	require.Equal(t, []int{1, 1}, []int{done.Summary.Deleted, done.Summary.Unchanged})
	require.Equal(t, []string{"app:1.1", "app:stable"}, m.names(place), "the image has another name")

	m.keys("images: {app: ['1.1']}")
	m.options.DryRun = true
	require.Equal(t, 1, m.prune("").Summary.Planned)
	m.options.DryRun = false
	done = m.prune("")
	require.Equal(t, 1, done.Summary.Deleted, failures(done))
	require.Equal(t, []string{"app:1.1"}, m.names(place))

	done = m.remove(job.Pruning{AllTags: true}, place+separator+prefix+"app")
	require.Equal(t, 1, done.Summary.Deleted, failures(done))
	require.Empty(t, m.names(place))
}

func TestALayoutForgetsImagesAndTheirBlobs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "layout")
	tryHome(t, "oci:"+path, ":", "")
	blobs, err := os.ReadDir(filepath.Join(path, "blobs", "sha256"))
	require.NoError(t, err)
	require.Empty(t, blobs)
}

func TestALayoutIsClearedAsAWhole(t *testing.T) {
	t.Parallel()
	place := "oci:" + filepath.Join(t.TempDir(), "layout")
	m := home(t, place)
	require.Equal(t, 3, m.remove(job.Pruning{AllTags: true}, place).Summary.Deleted)
	require.Empty(t, m.names(place))
	require.Empty(t, m.remove(job.Pruning{AllTags: true}, "oci:"+t.TempDir()+"/none").Results)
}

func TestPodmansStoreForgetsImages(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		output, err := again.CombinedOutput()
		require.NoError(t, err, string(output))
		return
	}
	top := t.TempDir()
	tryHome(t, "containers-storage:[vfs@"+filepath.Join(top, "root")+"+"+filepath.Join(top, "run")+"]", "", "docker.io/library/")
}

func TestAMirrorOfSeveralPlacesPrunesThoseWhereThatCanBe(t *testing.T) {
	t.Parallel()
	layout := "oci:" + filepath.Join(t.TempDir(), "layout")
	m := home(t, layout)
	m.options.Destinations = append(m.options.Destinations, "dir:"+t.TempDir())
	m.source.Delete(t, "app", "1.0")
	m.keys("images: {app: []}\ncsync: {prune: true}")
	done := m.sync()
	require.Empty(t, failures(done))
	require.Equal(t, 1, done.Summary.Deleted)
	require.Equal(t, 1, done.Summary.Skipped)
	require.NotContains(t, m.names(layout), "app:1.0")
	require.Contains(t, failures(m.prune("")), "nothing can be removed there")
}

func TestADaemonRemovesNothing(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	o := m.options
	o.Verb, o.Destinations = job.Prune, nil
	for reference, want := range map[string]string{
		"docker-daemon:app:1.0":    "docker rmi NAME",
		"docker-archive:x:app:1.0": "nothing can be removed there",
		"oci:x":                    "names no tag",
	} {
		_, err := job.RunPrune(t.Context(), o, job.Pruning{References: []string{reference}})
		require.ErrorContains(t, err, want)
	}
	for reference, p := range map[string]job.Pruning{
		"containers-storage:[vfs@/nowhere/a+/nowhere/b]": {AllTags: true}, "oci:x:app": {AllTags: true, Repositories: true},
	} {
		p.References = []string{reference}
		_, err := job.RunPrune(t.Context(), o, p)
		require.Error(t, err)
	}
}
