package run_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestAFullDiskLeavesNothingUnderTheFinalName(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return
	}
	for transport, path := range map[string]string{"dir:": "", "oci:": "shelf", "oci-archive:": "shelf.tar", "docker-archive:": "shelf.tar"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, disk := registrytest.Start(t), smallDisk(t, 0)
			source.Push(t, "big", "1.0", registrytest.RandomImage(1, registrytest.WithLayers(registrytest.RandomLayer(1, 1<<20))))
			l := newLab(t, transport+filepath.Join(disk, path))

			p := l.plan(oneOf(source, "big", "1.0"))
			l.runWithoutClosing(t.Context(), p)
			results := p.Results()

			if strings.HasSuffix(transport, "-archive:") { // which is packed in the end, and fails there
				requireAll(t, report.Done, results)
				p.Complete(t.Context(), l.places[0])
				requireFailure(t, p.Results()[0], fault.Denied, fault.Destination, "no space left", "make room")
			} else {
				requireFailure(t, results[0], fault.Denied, fault.Destination, "no space left", "make room")
				require.NoError(t, l.places[0].Discard())
			}
			require.NoFileExists(t, filepath.Join(disk, "shelf.tar"))
			require.NoDirExists(t, filepath.Join(disk, "big:1.0"))
			require.NoFileExists(t, filepath.Join(disk, "shelf", "index.json"))
			if transport != "oci:" {
				require.Empty(t, entriesOf(t, disk))
			}
		})
	}
}

func TestTheRestGoesOnWhenOneImageIsTooLargeForTheDisk(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return
	}
	source, disk := registrytest.Start(t), smallDisk(t, 0)
	source.Push(t, "big", "1.0", registrytest.RandomImage(1, registrytest.WithLayers(registrytest.RandomLayer(1, 1<<20))))
	source.Push(t, "small", "1.0", registrytest.RandomImage(2))
	l := newLab(t, "dir:"+disk)
	l.jobs = 1

	results := l.sync(allOf(source, "big", "small"))

	requireFailure(t, results[0], fault.Denied, fault.Destination, "no space left", disk)
	require.Equal(t, report.Done, results[1].Status)
	require.Equal(t, []string{"small:1.0"}, entriesOf(t, disk))
}

func TestADiskThatMayOnlyBeReadIsDenied(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return
	}
	source, disk := registrytest.Start(t), smallDisk(t, unix.MS_RDONLY)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	for _, place := range []string{"dir:" + disk, "oci:" + disk + "/shelf", "docker-archive:" + disk + "/shelf.tar"} {
		results := newLab(t, place).sync(oneOf(source, "app", "1.0"))

		requireFailure(t, results[0], fault.Denied, fault.Destination, "read-only", disk)
	}
	require.Empty(t, entriesOf(t, disk))
}

// asRoot runs the test again in a user namespace where it is root, and reports
// whether it is root already.
func asRoot(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() == 0 {
		return true
	}
	self, err := os.Executable()
	require.NoError(t, err)
	again := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	output, err := again.CombinedOutput()
	require.NoError(t, err, string(output))
	return false
}

// smallDisk mounts a file system of 256 kB in memory.
func smallDisk(t *testing.T, flags uintptr) string {
	t.Helper()
	disk := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", disk, "tmpfs", flags, "size=256k"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	return disk
}
