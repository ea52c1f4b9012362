package run_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// twins pushes two images with one blob in common.
func twins(t *testing.T, source *registrytest.Registry) (shared registrytest.Blob) {
	t.Helper()
	shared = registrytest.RandomLayer(1, 100_000)
	for i, repository := range []string{"team/a", "team/b"} {
		source.Push(t, repository, "1.0", registrytest.RandomImage(i, registrytest.WithLayers(shared)))
	}
	return shared
}

// uploadOf reports whether a request ends the upload of a blob.
func uploadOf(blob registrytest.Blob) func(*http.Request) bool {
	return func(req *http.Request) bool {
		return matching(registrytest.UploadFinish, req) && req.URL.Query().Get("digest") == blob.Digest().String()
	}
}

func TestABlobThatTwoImagesWantAtTheSameMomentMovesOnce(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	shared := twins(t, source)
	// The first upload is held until the other image has all it can have alone:
	// its config.
	other := make(chan struct{})
	var uploads atomic.Int64
	destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		switch {
		case uploadOf(shared)(req):
			<-other
		case matching(registrytest.UploadFinish, req) && uploads.Add(1) == 2:
			close(other)
		}
		return false
	})

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/a", "team/b"))

	requireAll(t, report.Done, results)
	require.Equal(t, 1, destination.Count(registrytest.Mount), destination.Counts())
	require.Equal(t, 3, destination.Count(registrytest.UploadFinish), destination.Counts())
	require.Equal(t, 3, source.Count(registrytest.BlobGet), source.Counts())
	require.Greater(t, results[0].BytesWritten, shared.Size(), "the first in order counts as the one that moved it")
	require.Equal(t, shared.Size(), results[1].BytesReused)
}

func TestARefusedMountGoesOnInTheSessionThatTheRegistryOpened(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	twins(t, source)
	destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if matching(registrytest.Mount, req) {
			query := req.URL.Query()
			query.Set("from", "team/elsewhere") // which does not have it
			req.URL.RawQuery = query.Encode()
		}
		return false
	})

	requireAll(t, report.Done, newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/a", "team/b")))

	require.Equal(t, 1, destination.Count(registrytest.MountRefused), destination.Counts())
	require.Equal(t, 3, destination.Count(registrytest.UploadStart), destination.Counts())
	require.Equal(t, 4, destination.Count(registrytest.UploadFinish), destination.Counts())
}

func TestAMountThatIsAnErrorIsFollowedByAnUpload(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			twins(t, source)
			destination.Intercept(answering(registrytest.Mount, status, "UNSUPPORTED"))

			requireAll(t, report.Done, newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/a", "team/b")))

			require.Equal(t, 4, destination.Count(registrytest.UploadFinish), destination.Counts())
		})
	}
}

func TestAnUploadThatFailsIsHandedOverToTheNextThatWantsTheBlob(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	shared := twins(t, source)
	other := make(chan struct{})
	var uploads, failed atomic.Int64
	destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case uploadOf(shared)(req):
			if failed.Add(1) == 1 {
				<-other
				w.WriteHeader(http.StatusForbidden)
				return true
			}
		case matching(registrytest.UploadFinish, req) && uploads.Add(1) == 2:
			close(other)
		}
		return false
	})

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "team/a", "team/b"))

	failures := 0
	for _, result := range results {
		repository := strings.TrimPrefix(result.Destination, "docker://"+destination.Host()+"/")[:6]
		if result.Status == report.Failed {
			failures++
			requireFailure(t, result, fault.Denied, fault.Destination)
			require.Empty(t, destination.Tags(t, repository))
			continue
		}
		require.Equal(t, report.Done, result.Status)
		require.Equal(t, []string{"1.0"}, destination.Tags(t, repository))
	}
	require.Equal(t, 1, failures)
}

func TestWithinOneRegistryNothingIsTransferred(t *testing.T) {
	t.Parallel()
	both := registrytest.Distribution(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	both.Push(t, "staging/app", "1.0", index)
	l := newLab(t, "docker://"+both.Host()+"/prod")

	results := l.sync(oneOf(both, "staging/app", "1.0", "csync: {repositories: {staging/app: {destination: app}}}"))

	requireAll(t, report.Done, results)
	require.Equal(t, both.Image(t, "staging/app", "1.0"), both.Image(t, "prod/app", "1.0"))
	require.Equal(t, 6, both.Count(registrytest.Mount), both.Counts())
	require.Zero(t, both.BlobBytesWritten(), both.Counts())
	require.LessOrEqual(t, both.Count(registrytest.BlobGet), 2, "configs, for containers/image to look at")
}

func TestWithinOneRegistryAFileWithCredentialsTransfersNothingEither(t *testing.T) {
	t.Parallel()
	both := registrytest.Start(t)
	both.Push(t, "staging/app", "1.0", registrytest.RandomImage(1))

	results := newLab(t, "docker://"+both.Host()+"/prod").sync(oneOf(both, "staging/app", "1.0", "credentials: {username: ci, password: x}"))

	requireAll(t, report.Done, results)
	require.Equal(t, 3, both.Count(registrytest.Mount), both.Counts())
	require.Zero(t, both.BlobBytesWritten(), both.Counts())
}

func TestWithinOneRepositoryATagIsARetag(t *testing.T) {
	t.Parallel()
	both := registrytest.Start(t)
	sum := both.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	old := both.Push(t, "team/app", "1.0-current", registrytest.RandomImage(2))
	l := newLab(t, "docker://"+both.Host())
	l.request.Naming.Suffix = "-current"

	results := l.sync(oneOf(both, "team/app", "1.0"))

	requireAll(t, report.Done, results)
	require.Equal(t, report.Retag, results[0].Action)
	require.Equal(t, old, results[0].PreviousDigest)
	require.Equal(t, sum, both.Digest(t, "team/app", "1.0-current"))
	require.Zero(t, both.Count(registrytest.BlobGet)+both.Count(registrytest.UploadStart)+both.Count(registrytest.Mount), both.Counts())
}
