package job_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func list(seed int, platforms ...string) registrytest.Image {
	var images []registrytest.Image
	for i, platform := range platforms {
		images = append(images, registrytest.RandomImage(1000*seed+i, registrytest.WithDocker(), registrytest.WithPlatform(platform)))
	}
	return registrytest.ManifestList(images...)
}

func (s *site) requireUnchangedBy(words ...string) {
	s.Helper()
	s.reset()
	again := s.merge(words...)
	require.Empty(s, failures(again))
	require.False(s, again.Changed)
	require.Equal(s, again.Summary.Total, again.Summary.Unchanged)
	require.LessOrEqual(s, s.source.Count(registrytest.BlobGet), 1, "the config of a single image")
	require.Zero(s, s.destination.BlobBytesWritten())
	require.Zero(s, s.destination.Count(registrytest.ManifestPut), s.destination.Counts())
}

func TestPubtoolsRowDestinationNotFoundIsAPlainCopy(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	image := list(1, "linux/amd64", "linux/s390x")
	s.source.Push(t, "ns/app", "1", image)

	done := s.merge("SRC/ns/app:1", "DST/org/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, image, s.destination.Image(t, "org/app", "1"))
	got := s.result(done, "org/app", "1")
	require.Equal(t, report.Merge, got.Action)
	require.Equal(t, report.Done, got.Status)
	require.Equal(t, image.Digest(), got.Digest)
	require.Equal(t, image.Digest(), got.SourceDigest)
	require.True(t, got.Verified)
	require.Empty(t, got.Reason)
	require.Empty(t, got.PreviousDigest)
	s.requireUnchangedBy("SRC/ns/app:1", "DST/org/app:1")
}

func TestPubtoolsRowAnyOtherErrorOfTheDestinationFailsAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	for status, kind := range map[int]fault.Kind{
		http.StatusInternalServerError: fault.Network, http.StatusForbidden: fault.Denied,
		http.StatusUnauthorized: fault.Unauthorized, // which pubtools takes for nothing there
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, job.Merge)
			s.options.Registry.Retries = -1
			s.source.Push(t, "app", "1", list(1, "linux/amd64"))
			old := s.destination.Push(t, "app", "1", list(2, "linux/arm64"))
			s.reset()
			s.destination.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/manifests/1") {
					w.WriteHeader(status)
					return true
				}
				return false
			})

			done := s.merge("SRC/app:1", "DST/app:1", "DST/other:1")

			got := s.result(done, "app", "1")
			require.Equal(t, report.Failed, got.Status)
			require.Equal(t, report.Merge, got.Action)
			require.Equal(t, kind, got.Error.Kind, got.Error.Message)
			require.Equal(t, fault.Destination, got.Error.Side)
			for _, request := range s.destination.Log() {
				read := request.Method == http.MethodGet || request.Method == http.MethodHead
				require.True(t, read || request.Repository == "other", request)
			}
			s.destination.Intercept(nil)
			require.Equal(t, old, s.destination.Digest(t, "app", "1"))
		})
	}
}

func TestPubtoolsRowDestinationIsASingleImageForOneOfThePlatformsIsOverwritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	image := list(1, "linux/amd64", "linux/s390x")
	s.source.Push(t, "app", "1", image)
	old := s.destination.Push(t, "app", "1", registrytest.RandomImage(2, registrytest.WithDocker()))

	done := s.merge("SRC/app:1", "DST/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, image, s.destination.Image(t, "app", "1"))
	require.Equal(t, old, s.result(done, "app", "1").PreviousDigest)
	s.requireUnchangedBy("SRC/app:1", "DST/app:1")
}

func TestPubtoolsRowDestinationIsASingleImageForAnotherPlatformIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	s.source.Push(t, "app", "1", list(1, "linux/amd64", "linux/s390x"))
	old := registrytest.RandomImage(2, registrytest.WithDocker(), registrytest.WithPlatform("linux/arm64"))
	s.destination.Push(t, "app", "1", old)

	done := s.merge("SRC/app:1", "DST/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, []string{"linux/amd64", "linux/s390x", "linux/arm64 a"}, s.platforms("app", "1", old))
	require.Equal(t, "with linux/arm64 of the destination's", s.result(done, "app", "1").Reason)
	s.requireUnchangedBy("SRC/app:1", "DST/app:1")
}

func TestPubtoolsRowDestinationIsAnOCIIndexIsMergedAsAList(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	source := list(1, "linux/amd64")
	s.source.Push(t, "app", "1", source)
	s.destination.Push(t, "app", "1", registrytest.MultiPlatform(2, "linux/amd64", "linux/ppc64le"))

	done := s.merge("SRC/app:1", "DST/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, []string{"linux/amd64 a", "linux/ppc64le"}, s.platforms("app", "1", source.Children[0]))
	require.Equal(t, registrytest.DockerList, s.result(done, "app", "1").MediaType)
	s.requireUnchangedBy("SRC/app:1", "DST/app:1")
}

func TestPubtoolsRowDestinationListHasNoOtherPlatformIsAPlainCopy(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	image := list(1, "linux/amd64", "linux/s390x")
	s.source.Push(t, "app", "1", image)
	old := s.destination.Push(t, "app", "1", list(2, "linux/s390x"))

	done := s.merge("SRC/app:1", "DST/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, image, s.destination.Image(t, "app", "1"), "the bytes of the source")
	require.Equal(t, old, s.result(done, "app", "1").PreviousDigest)
	s.requireUnchangedBy("SRC/app:1", "DST/app:1")
}

func TestPubtoolsRowDestinationListHasOtherPlatformsIsMerged(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	source, old := list(1, "linux/s390x", "linux/amd64"), list(2, "linux/ppc64le", "linux/amd64", "linux/arm64")
	s.source.Push(t, "ns/app", "1", source)
	s.destination.Push(t, "app", "1", old)
	s.reset()

	done := s.merge("SRC/ns/app:1", "DST/app:1")

	require.Empty(t, failures(done))
	builds := append(source.Children, old.Children...)
	require.Equal(t, []string{"linux/s390x a", "linux/amd64 b", "linux/ppc64le c", "linux/arm64 e"}, s.platforms("app", "1", builds...))
	got := s.result(done, "app", "1")
	require.Equal(t, old.Digest(), got.PreviousDigest)
	require.Equal(t, source.Digest(), got.SourceDigest)
	require.Equal(t, "with linux/ppc64le, linux/arm64 of the destination's", got.Reason)
	require.Equal(t, 2, done.Summary.Total)
	require.Equal(t, 1, done.Summary.Merged)
	require.Equal(t, "docker://"+s.destination.Host()+"/app@"+source.Digest().String(), done.Results[1].Destination, "what is merged comes first")
	require.Equal(t, 6, s.source.Count(registrytest.BlobGet), s.source.Counts())
	require.Equal(t, s.source.BlobBytesRead(), s.destination.BlobBytesWritten())
	s.requireUnchangedBy("SRC/ns/app:1", "DST/app:1")
}

func TestPubtoolsRowASingleSourceImageJoinsTheListThatIsThere(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Merge)
	source := registrytest.RandomImage(1, registrytest.WithDocker(), registrytest.WithPlatform("linux/arm64"))
	s.source.Push(t, "app", "1", source)
	s.destination.Push(t, "app", "1", list(2, "linux/amd64", "linux/s390x"))

	done := s.merge("SRC/app:1", "DST/app:1")

	require.Empty(t, failures(done))
	require.Equal(t, []string{"linux/amd64", "linux/s390x", "linux/arm64 a"}, s.platforms("app", "1", source))
	s.requireUnchangedBy("SRC/app:1", "DST/app:1")
}
