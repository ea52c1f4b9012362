package job_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// The defects of rdo-infra's containers-promote role, each as a test of what
// happens now.

// resultAt is the result for a tag of an image at a destination.
func (r *release) resultAt(done *report.Report, destination int, name, tag string) report.Result {
	r.t.Helper()
	want := fmt.Sprintf("docker://%s/mirror%d/openstack-%s:%s", r.destinations[destination].Host(), destination, name, tag)
	for _, result := range done.Results {
		if result.Destination == want {
			return result
		}
	}
	require.Fail(r.t, "no result", want)
	return report.Result{}
}

// R2: with several destinations, the check after each asked the last one only.
func TestDefectR2EveryDestinationIsCheckedForItself(t *testing.T) {
	t.Parallel()
	for lossy := range 2 {
		r := newRelease(t, 2, "base", "nova-api").build()
		r.destinations[lossy].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, "nova-api/manifests/"+hash) {
				return false
			}
			w.WriteHeader(http.StatusCreated) // and stores nothing
			return true
		})

		done := r.promote()

		failed := r.resultAt(done, lossy, "nova-api", hash)
		require.Equal(t, report.Failed, failed.Status)
		require.False(t, failed.Verified)
		require.Equal(t, report.Done, r.resultAt(done, 1-lossy, "nova-api", hash).Status)
		require.Equal(t, map[report.Status]int{report.Skipped: 6}, statuses(done, label))
	}
}

// R3: the check knew one tag, not the label, not the base images, no digest.
func TestDefectR3LabelsAndDigestsOfAllImagesAreChecked(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{label, hash, hash + "_x86_64", hash + "_ppc64le", hash + "_manifest"} {
		r := newRelease(t, 2, "base", "nova-api").build()
		require.Empty(t, failures(r.promote()))
		r.options.Verb = job.Verify
		require.Empty(t, failures(r.promote()))
		other := registrytest.RandomImage(77)
		r.destinations[1].Push(t, "mirror1/openstack-base", tag, other)

		done := r.promote()

		require.Equal(t, 1, done.Summary.Failed, failures(done))
		require.Contains(t, failures(done), "names "+other.Digest().String())
		require.Equal(t, report.Failed, r.resultAt(done, 1, "base", tag).Status)
	}
}

// R4: the source's label moved before any destination had anything.
func TestDefectR4TheSourcesLabelMovesAfterAllOthers(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	var early []string
	r.source.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut {
			return false
		}
		for i := range r.destinations {
			for _, name := range r.names {
				if r.at(i, name, label) == "" {
					early = append(early, req.URL.Path)
				}
			}
		}
		return false
	})

	require.Empty(t, failures(r.promote()))

	require.Empty(t, early)
	require.NotEmpty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
}

// R5: whatever an image could not be asked for, it counted as missing; and a
// platform that is missing may be left out.
func TestDefectR5AnErrorOfTheRegistryIsNoMissingImage(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]string{
		http.StatusInternalServerError: "network", http.StatusForbidden: "denied", http.StatusUnauthorized: "unauthorized",
	} {
		r := newRelease(t, 1, "base", "nova-api").build()
		r.source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, "openstack-base/manifests/"+hash+"_ppc64le") {
				return false
			}
			w.WriteHeader(status)
			return true
		})

		done := r.promote()

		require.Equal(t, 2, done.Summary.Failed, "at the destination and at the source")
		for _, result := range done.Results {
			if result.Error != nil {
				require.EqualValues(t, kind, result.Error.Kind, result.Error.Message)
				require.EqualValues(t, "source", result.Error.Side)
			}
		}
		require.Zero(t, r.destinations[0].BlobBytesWritten())
	}
}

// R6: what was pulled for a run that failed stayed on the disk.
func TestDefectR6AFailedPromotionLeavesNothingOnTheDisk(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 3, "base", "nova-api", "keystone").build()
	directory := r.temporary()
	r.destinations[1].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, "/openstack-keystone/blobs/uploads/") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})

	require.True(t, r.promote().Failed())

	require.Empty(t, files(t, directory))
}

// temporary gives the promotion a directory of its own for large files.
func (r *release) temporary() string {
	directory := r.t.TempDir()
	if r.options.Registry.System == nil {
		r.options.Registry.System = &types.SystemContext{}
	}
	r.options.Registry.System.BigFilesTemporaryDir = directory
	return directory
}

// files are those below a directory.
func files(t *testing.T, directory string) []string {
	var found []string
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return nil // it may be gone by now
	})
	require.NoError(t, err)
	return found
}

// R7: the password was an argument of a program, for everybody to see.
func TestDefectR7ThePasswordIsShownNowhere(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	guarded := registrytest.Start(t, registrytest.Basic("ci", "swordfish"))
	r.destinations = append(r.destinations, guarded)
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte("swordfish\n"), 0o600))
	r.more = "gate: [sh, -c, 'echo $0; env; tr \"\\0\" \" \" </proc/$PPID/cmdline', \"{reference}\"]\n"
	r.ofSide = map[int]string{1: fmt.Sprintf(", credentials: {username: ci}, csync: {password-file: %q}", password)}

	done := r.promote()

	require.Empty(t, failures(done))
	require.NotEmpty(t, r.resultAt(done, 1, "base", label).Gate.Output)
	var text strings.Builder
	require.NoError(t, done.WriteJSON(&text))
	journal, err := os.ReadFile(r.journal)
	require.NoError(t, err)
	require.NotContains(t, text.String()+string(journal), "swordfish")
}

// R8: a Docker daemon and room for every image were needed.
func TestDefectR8AnImageIsNotStoredOnItsWay(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	directory := r.temporary()
	var one sync.Mutex
	var seen []string
	r.destinations[0].Intercept(func(http.ResponseWriter, *http.Request) bool {
		one.Lock()
		defer one.Unlock()
		seen = append(seen, files(t, directory)...)
		return false
	})

	require.Empty(t, failures(r.promote()))

	require.Empty(t, seen, "to one destination everything is streamed")
}

// R9: without the right to write, nothing could be read from the source.
func TestDefectR9TheSourceIsOnlyReadUnlessItsLabelMoves(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.ofSource = ", label: false"
	r.source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet || req.Method == http.MethodHead {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})

	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, r.at(1, "base", hash), r.at(1, "base", label))
	for _, request := range r.source.Log() {
		require.Contains(t, []string{http.MethodGet, http.MethodHead}, request.Method)
	}
}

// R10: images went through a local store, which may change their digests.
func TestDefectR10DigestsAreKept(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "oci", "docker", "list", "index")
	r.platforms = ""
	for i, image := range []registrytest.Image{
		registrytest.RandomImage(1), registrytest.RandomImage(2, registrytest.WithDocker()),
		registrytest.ManifestList(registrytest.RandomImage(3, registrytest.WithDocker())), registrytest.MultiPlatform(4, "linux/amd64", "linux/s390x"),
	} {
		r.source.Push(t, "tripleomaster/openstack-"+r.names[i], hash, image)
	}

	require.Empty(t, failures(r.promote()))

	for _, name := range r.names {
		want := digestAt(t, r.source, "tripleomaster/openstack-"+name, hash)
		for i := range r.destinations {
			require.Equal(t, want, r.at(i, name, hash))
			require.Equal(t, want, r.at(i, name, label))
		}
	}
}
