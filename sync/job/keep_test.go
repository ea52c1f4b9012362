package job_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/keep"
	"csync/sync/registry/registrytest"
)

// keeping is a release of which images are kept, with what the last destination
// refuses: every upload to the repository of nova-api.
func keeping(t *testing.T, when string) (r *release, kept string) {
	t.Helper()
	directory := t.TempDir()
	r = newRelease(t, 2, "base", "nova-api", "nova-compute").build()
	r.more += "keep: " + when + "\nkeep-directory: " + directory + "\n"
	return r, filepath.Join(directory, keep.Directory)
}

// refuse has the last destination refuse nova-api.
func (r *release) refuse() {
	r.destinations[len(r.destinations)-1].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		refused := strings.Contains(req.URL.Path, "nova-api") && req.Method != http.MethodGet && req.Method != http.MethodHead
		if refused {
			w.WriteHeader(http.StatusForbidden)
		}
		return refused
	})
}

func (r *release) accept() { r.destinations[len(r.destinations)-1].Intercept(nil) }

// blobsIn are the files of blobs and manifests below a layout.
func blobsIn(t *testing.T, layout string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(layout, "blobs", "*", "*"))
	require.NoError(t, err)
	return found
}

func TestWhatWasReadOfAFailedImageServesTheNextRunAndGoesWithItsSuccess(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "on-failure")
	r.refuse()
	failed := r.promote().Summary.Failed
	require.NotZero(t, failed)
	require.FileExists(t, filepath.Join(kept, "index.json"))
	var has int
	for _, name := range []string{hash, hash + "_x86_64"} {
		for _, blob := range r.source.Image(t, "tripleomaster/openstack-nova-api", name).Blobs {
			require.FileExists(t, filepath.Join(kept, "blobs", "sha256", blob.Digest().Encoded()))
			has++
		}
	}
	require.NotZero(t, has)
	for _, blob := range r.source.Image(t, "tripleomaster/openstack-nova-compute", hash).Blobs {
		require.NoFileExists(t, filepath.Join(kept, "blobs", "sha256", blob.Digest().Encoded()), "it is everywhere")
	}
	r.accept()
	var read atomic.Int64
	r.source.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "nova-api/blobs/") {
			read.Add(1)
		}
		return false
	})

	again := r.promote()

	require.Empty(t, failures(again))
	require.Zero(t, read.Load(), "and the platforms of the others are asked of their configs")
	require.Equal(t, r.at(1, "nova-api", hash), r.at(1, "nova-api", label))
	require.NoDirExists(t, kept)
}

func TestAfterADestinationHasFailedNoBlobIsReadTwice(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "on-failure")
	r.platforms = ""
	r.destinations[1].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	require.NotZero(t, r.promote().Summary.Failed)
	r.accept()
	r.source.Reset()

	again := r.promote()

	require.Empty(t, failures(again))
	require.Zero(t, r.source.BlobBytesRead())
	require.NoDirExists(t, kept)
}

func TestKeptBytesThatHaveChangedAreReadFromTheSource(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "on-failure")
	r.refuse()
	failed := r.promote().Summary.Failed
	require.NotZero(t, failed)
	for _, file := range blobsIn(t, kept) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("x"), len(content)), 0o600))
	}
	r.accept()
	r.source.Reset()

	failed = r.promote().Summary.Failed

	require.Zero(t, failed)
	require.NotZero(t, r.source.Count(registrytest.BlobGet))
	require.Equal(t, r.source.Image(t, "tripleomaster/openstack-nova-api", hash), r.destinations[1].Image(t, "mirror1/openstack-nova-api", hash))
	require.NoDirExists(t, kept)
}

func TestWhereEverythingIsKeptAnotherDestinationIsServedFromThat(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "always")
	failed := r.promote().Summary.Failed
	require.Zero(t, failed)
	require.NotEmpty(t, blobsIn(t, kept))
	r.destinations = append(r.destinations, registrytest.Start(t))
	r.journal = filepath.Join(t.TempDir(), "journal")
	r.source.Reset()

	again := r.promote()

	require.Empty(t, failures(again))
	require.Zero(t, r.source.Count(registrytest.BlobGet))
	require.NotEmpty(t, blobsIn(t, kept))
}

func TestWhereNothingIsKeptNothingIsWritten(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "never")
	r.refuse()

	failed := r.promote().Summary.Failed

	require.NotZero(t, failed)
	require.NoDirExists(t, kept)
}

func TestRemovingWhatWasKeptLeavesWhatOthersPutThere(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "on-failure")
	theirs := []string{filepath.Join(filepath.Dir(kept), "notes"), filepath.Join(kept, "notes"), filepath.Join(kept, "blobs", "sha256", "notes")}
	for _, file := range theirs {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, nil, 0o600))
	}

	failed := r.promote().Summary.Failed

	require.Zero(t, failed)
	require.Equal(t, []string{theirs[2]}, blobsIn(t, kept))
	for _, file := range theirs {
		require.FileExists(t, file)
	}
}

func TestTwoPromotionsDoNotKeepImagesInOneDirectoryAtOnce(t *testing.T) {
	t.Parallel()
	r, kept := keeping(t, "on-failure")
	other, err := keep.Open(filepath.Dir(kept))
	require.NoError(t, err)

	_, err = r.try()

	require.ErrorContains(t, err, "another run keeps images in")
	require.NoError(t, other.Close())
	require.Empty(t, failures(r.promote()))
}
