package job_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

func (s *site) assemble(words ...string) *report.Report {
	s.Helper()
	return s.assembling(job.Assembly{Arguments: words})
}

func (s *site) assembling(a job.Assembly) *report.Report {
	s.Helper()
	s.named(a.Arguments...)
	done, err := a.Run(s.Context(), s.options)
	require.NoError(s, err)
	return done
}

// pushArch pushes the image of a platform to the destination's registry.
func (s *site) pushArch(reference, platform string) registrytest.Image {
	s.Helper()
	image := registrytest.RandomImage(len(reference), registrytest.WithDocker(), registrytest.WithPlatform(platform))
	repository, tag, _ := strings.Cut(reference, ":")
	s.destination.Push(s, repository, tag, image)
	return image
}

var suffixes = []string{"linux/amd64=_x86_64", "ppc64le=_ppc64le"}

func TestAnIndexIsAssembledFromArchTagsMovingNoByte(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	x86 := s.pushArch("ns/app:3f2a_x86_64", "linux/amd64")
	ppc := s.pushArch("ns/app:3f2a_ppc64le", "linux/ppc64le")
	s.reset()
	a := job.Assembly{Arguments: []string{"DST/ns/app:3f2a_manifest", "DST/ns/app:3f2a"}, Suffixes: suffixes}

	done := s.assembling(a)

	require.Empty(t, failures(done))
	require.Equal(t, "assemble", done.Verb)
	require.Equal(t, 1, done.Summary.Assembled)
	require.Equal(t, 1, done.Summary.Total)
	require.Equal(t, []string{"linux/amd64 a", "linux/ppc64le b"}, s.platforms("ns/app", "3f2a_manifest", x86, ppc))
	got := s.result(done, "ns/app", "3f2a_manifest")
	require.Equal(t, registrytest.DockerList, got.MediaType)
	require.True(t, got.Verified)
	require.Zero(t, s.destination.BlobBytesWritten())
	require.Equal(t, 2, s.destination.Count(registrytest.BlobGet), "the configs")
	require.Equal(t, 1, s.destination.Count(registrytest.ManifestPut))
	s.reset()

	again := s.assembling(a)

	require.False(t, again.Changed)
	require.Equal(t, 1, again.Summary.Unchanged)
	require.Equal(t, got.Digest, again.Results[0].Digest)
	require.Equal(t, 2, s.destination.Count(registrytest.ManifestGet), s.destination.Counts())
	require.Equal(t, 1, s.destination.Count(registrytest.ManifestHead), s.destination.Counts())
	require.Len(t, s.destination.Log(), 5, s.destination.Counts())
}

func TestTheDestinationItselfIsWhatSuffixesFollow(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.pushArch("app:1_x86_64", "linux/amd64")
	s.pushArch("app:1_ppc64le", "linux/ppc64le")

	done := s.assembling(job.Assembly{Arguments: []string{"DST/app:1"}, Suffixes: suffixes})

	require.Empty(t, failures(done))
	require.Len(t, s.destination.Image(t, "app", "1").Children, 2)
}

func TestAnOptionalPlatformThatIsMissingIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	x86 := s.pushArch("app:1_x86_64", "linux/amd64")
	a := job.Assembly{Arguments: []string{"DST/app:1"}, Suffixes: suffixes}

	failed := s.assembling(a)
	require.Equal(t, fault.NotFound, failed.Results[0].Error.Kind)
	require.Equal(t, fault.Source, failed.Results[0].Error.Side)
	require.Contains(t, failures(failed), "1_ppc64le")
	require.False(t, s.destination.HasTag(t, "app", "1"))

	a.Optional = []string{"ppc64le"}
	require.Empty(t, failures(s.assembling(a)))
	require.Equal(t, []string{"linux/amd64 a"}, s.platforms("app", "1", x86))

	given := job.Assembly{Arguments: []string{"DST/app:2", "DST/app:1_x86_64", "DST/app:1_ppc64le=ppc64le"}, Optional: a.Optional}
	require.Empty(t, failures(s.assembling(given)))
	require.Equal(t, s.destination.Digest(t, "app", "1"), s.destination.Digest(t, "app", "2"))

	a.Optional = []string{"linux/ppc64le", "linux/amd64"}
	a.Arguments = []string{"DST/none:1"}
	nothing := s.assembling(a)
	require.Equal(t, fault.NotFound, nothing.Results[0].Error.Kind)
	require.Contains(t, failures(nothing), "none of the index's images is there")
}

func TestAnOptionalPlatformThatCannotBeReadIsAFailure(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.options.Registry.Retries = -1
	s.pushArch("app:1_x86_64", "linux/amd64")
	ppc := s.pushArch("app:1_ppc64le", "linux/ppc64le")
	for path, status := range map[string]int{"/manifests/1_ppc64le": http.StatusForbidden, "/blobs/" + ppc.Blobs[0].Digest().String(): http.StatusNotFound} {
		s.destination.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, path) {
				w.WriteHeader(status)
				return true
			}
			return false
		})

		done := s.assembling(job.Assembly{Arguments: []string{"DST/app:1"}, Suffixes: suffixes, Optional: []string{"ppc64le"}})

		require.Equal(t, 1, done.Summary.Failed, path)
		require.Contains(t, failures(done), "1_ppc64le")
	}
	s.destination.Intercept(nil)
	require.False(t, s.destination.HasTag(t, "app", "1"))
}

func TestImagesFromElsewhereAreBroughtBeforeTheirIndex(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	amd := registrytest.RandomImage(1)
	arm := registrytest.RandomImage(2, registrytest.WithPlatform("linux/arm64"))
	s.source.Push(t, "build/app-amd", "1", amd)
	s.destination.Push(t, "stage/app-arm", "1", arm)
	s.reset()
	words := []string{"DST/app:1", "SRC/build/app-amd:1", "DST/stage/app-arm@" + arm.Digest().String() + "=linux/arm64"}

	done := s.assemble(words...)

	require.Empty(t, failures(done))
	require.Equal(t, registrytest.Index(amd, arm), s.destination.Image(t, "app", "1"))
	require.Equal(t, 3, done.Summary.Total)
	require.Equal(t, 2, done.Summary.Copied)
	require.Equal(t, "docker://"+s.source.Host()+"/build/app-amd:1", s.result(done, "app", "1").Source)
	require.Positive(t, s.destination.Count(registrytest.Mount), "from the same registry")
	config := int64(len(amd.Blobs[0].Content)) // which says for which platform it is
	require.Equal(t, s.source.BlobBytesRead(), s.destination.BlobBytesWritten()+config)
	require.Equal(t, 1, s.destination.Count(registrytest.BlobGet), "the config of the one that is there")
	s.reset()

	again := s.assemble(words...)

	require.False(t, again.Changed)
	require.Equal(t, 1, again.Summary.Total, "nothing has to be brought")
	require.Zero(t, s.destination.BlobBytesWritten())
}

func TestTheFormatOfAnIndexIsChosenOrThatOfItsImages(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.pushArch("app:1_x86_64", "linux/amd64")
	s.pushArch("app:1_ppc64le", "linux/ppc64le")
	for format, want := range map[string]string{"": registrytest.DockerList, "docker": registrytest.DockerList, "oci": ocispec.MediaTypeImageIndex} {
		done := s.assembling(job.Assembly{Arguments: []string{"DST/app:f" + format, "DST/app:1"}, Suffixes: suffixes, Format: format})
		require.Equal(t, want, done.Results[0].MediaType, format)
		require.Equal(t, want, s.destination.Image(t, "app", "f"+format).MediaType)
	}
}

func TestAPlatformThatIsGivenIsHeldAgainstTheConfig(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.pushArch("app:amd", "linux/amd64")
	arm := s.pushArch("app:arm", "linux/arm")

	done := s.assemble("DST/app:1", "DST/app:amd=linux/arm64")
	require.Equal(t, fault.Conflict, done.Results[0].Error.Kind)
	require.Contains(t, failures(done), "the image is for linux/amd64, and should be for linux/arm64")

	done = s.assemble("DST/app:1", "DST/app:amd", "DST/app:arm=linux/arm/v7")
	require.Empty(t, failures(done), "a variant that the config does not name is the one given")
	require.Equal(t, []string{"linux/amd64", "linux/arm/v7 a"}, s.platforms("app", "1", arm))

	s.pushArch("app:armv6", "linux/arm/v6")
	done = s.assemble("DST/app:2", "DST/app:armv6=linux/arm/v7")
	require.Equal(t, fault.Conflict, done.Results[0].Error.Kind, "another variant")

	done = s.assemble("DST/app:2", "DST/app:amd", "DST/app:amd")
	require.Equal(t, fault.Conflict, done.Results[0].Error.Kind, "two for one platform")

	done = s.assemble("DST/app:2", "DST/app:1", "DST/app:arm")
	require.Equal(t, fault.Unsupported, done.Results[0].Error.Kind, "an index is no image of one platform")
	require.False(t, s.destination.HasTag(t, "app", "2"))
}

func TestAFileOfAssembliesIsDoneAsAWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	for _, name := range []string{"base", "nova-api"} {
		s.pushArch(name+":1_x86_64", "linux/amd64")
	}
	s.pushArch("base:1_ppc64le", "linux/ppc64le")
	s.options.SourceFile = listed(t, "DST/base:1\nDST/nova-api:all DST/nova-api:1\nDST/none:1\n", s.source, s.destination)

	done := s.assembling(job.Assembly{Suffixes: suffixes, Optional: []string{"ppc64le"}})

	require.Equal(t, 2, done.Summary.Assembled)
	require.Equal(t, 1, done.Summary.Failed)
	require.Len(t, s.destination.Image(t, "base", "1").Children, 2)
	require.Len(t, s.destination.Image(t, "nova-api", "all").Children, 1)
}

func TestTwoIndexesOfOneFirstImageAreTwo(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	image := registrytest.RandomImage(1)
	s.source.Push(t, "app", "amd", image)
	s.source.Push(t, "app", "same", image)
	s.source.Push(t, "app", "arm", registrytest.RandomImage(2, registrytest.WithPlatform("linux/arm64")))
	s.options.SourceFile = listed(t, "DST/app:one SRC/app:amd\nDST/app:two SRC/app:amd SRC/app:arm\nDST/app:three SRC/app:same\n", s.source, s.destination)

	done := s.assemble()

	require.Empty(t, failures(done))
	require.Equal(t, 3, done.Summary.Assembled)
	require.Equal(t, 2, done.Summary.Copied, "each image once")
	require.Len(t, s.destination.Image(t, "app", "two").Children, 2)
	require.Equal(t, s.destination.Digest(t, "app", "one"), s.destination.Digest(t, "app", "three"))
}

func TestAnIndexIsNotWrittenWhereItsTagMayNotMove(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.source.Push(t, "app", "amd", registrytest.RandomImage(1))
	old := s.destination.Push(t, "app", "1", registrytest.RandomImage(2))
	policy, err := spec.ParseTagPolicy("latest")
	require.NoError(t, err)
	s.options.TagPolicy = &policy

	done := s.assemble("DST/app:1", "SRC/app:amd")

	require.Equal(t, fault.Policy, done.Results[0].Error.Kind)
	require.Equal(t, 1, done.Summary.Total, "nothing is brought for it")
	require.Equal(t, old, s.destination.Digest(t, "app", "1"))
}

func TestThePolicyIsAskedAboutWhatIndexesAreMadeOf(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.pushArch("app:amd", "linux/amd64")
	s.source.Push(t, "app", "1", list(1, "linux/arm64"))
	require.Empty(t, failures(s.assemble("DST/app:1", "DST/app:amd")))
	before := s.destination.Digest(t, "app", "1")
	policy := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(`{"default": [{"type": "reject"}]}`), 0o600))
	s.options.Trust = job.Trust{}
	s.options.Registry.System = systemWith(policy)

	for _, s.options.DryRun = range []bool{true, false} {
		for _, tag := range []string{"1", "2"} { // in place, and new
			require.Equal(t, fault.Policy, s.assemble("DST/app:"+tag, "DST/app:amd").Results[0].Error.Kind, tag)
			require.Equal(t, fault.Policy, s.result(s.merge("SRC/app:1", "DST/app:"+tag), "app", tag).Error.Kind, tag)
		}
	}
	require.Equal(t, before, s.destination.Digest(t, "app", "1"))
	require.False(t, s.destination.HasTag(t, "app", "2"))
}

func TestFailFastWritesNoIndexOnceSomethingHasFailed(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.source.Push(t, "app", "amd", registrytest.RandomImage(1))
	s.options.FailFast = true
	s.options.SourceFile = listed(t, "DST/app:1 SRC/app:amd\nDST/app:2 SRC/app:none\n", s.source, s.destination)
	s.reset()

	done := s.assemble()

	require.Equal(t, done.Summary.Total, done.Summary.Failed)
	require.Empty(t, s.destination.Tags(t, "app"))
	require.Zero(t, s.destination.BlobBytesWritten())
}

func TestFailFastWritesNoIndexOnceAnImageCannotBeBrought(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.options.Registry.Retries = -1
	s.source.Push(t, "app", "amd", registrytest.RandomImage(1))
	s.pushArch("tools:amd", "linux/amd64")
	s.destination.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusForbidden)
		}
		return r.Method == http.MethodPost
	})
	s.options.SourceFile = listed(t, "DST/app:1 SRC/app:amd\nDST/tools:1 DST/tools:amd\n", s.source, s.destination)

	for _, s.options.FailFast = range []bool{true, false} {
		done := s.assemble()
		require.Equal(t, fault.Denied, s.result(done, "app", "1").Error.Kind)
		require.Equal(t, !s.options.FailFast, s.destination.HasTag(t, "tools", "1"))
	}
}

func TestADryAssemblyWritesNothingAndSaysWhatItWould(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	s.source.Push(t, "app", "amd", registrytest.RandomImage(1))
	s.options.DryRun = true
	s.reset()

	planned := s.assemble("DST/app:1", "SRC/app:amd")

	require.Equal(t, 2, planned.Summary.Planned)
	require.Empty(t, s.destination.Tags(t, "app"))
	s.options.DryRun = false
	s.assemble("DST/app:1", "SRC/app:amd")
	require.Equal(t, s.destination.Digest(t, "app", "1"), s.result(planned, "app", "1").Digest)
	require.True(t, content.IsIndex(s.destination.Image(t, "app", "1").MediaType))
}

func TestMistakesInAssembliesAreToldBeforeAnything(t *testing.T) {
	t.Parallel()
	s := newSite(t, job.Assemble)
	for want, a := range map[string]job.Assembly{
		"DEST SOURCE[=PLATFORM] [SOURCE...] was meant":                 {Arguments: []string{"DST/a:1"}},
		"DEST [REFERENCE] was meant":                                   {Arguments: []string{"DST/a:1", "DST/b:1", "DST/c:1"}, Suffixes: suffixes},
		"--optional linux/s390x: no image is said to be for it; write": {Arguments: []string{"DST/a:1", "DST/b:1"}, Optional: []string{"s390x"}},
		`--format "v2s2" is neither oci nor docker`:                    {Arguments: []string{"DST/a:1", "DST/b:1"}, Format: "v2s2"},
		`--suffixes: "linux/amd64" names no suffix`:                    {Arguments: []string{"DST/a:1"}, Suffixes: []string{"linux/amd64"}},
		`--suffixes: platform "linux/x86_64"`:                          {Arguments: []string{"DST/a:1"}, Suffixes: []string{"linux/x86_64=_x"}},
		`--optional: platform "linux/x"`:                               {Arguments: []string{"DST/a:1", "DST/b:1"}, Optional: []string{"linux/x"}},
		`platform "linux/y" has an unknown architecture`:               {Arguments: []string{"DST/a:1", "DST/b:1=linux/y"}},
		"names no tag, which suffixes could follow":                    {Arguments: []string{"DST/a:1", "DST/a@sha256:" + strings.Repeat("0", 64)}, Suffixes: suffixes},
		"invalid tag format":                                           {Arguments: []string{"DST/a:1"}, Suffixes: []string{"amd64=+x"}},
		`--suffixes: "arm64=_x" is named twice`:                        {Arguments: []string{"DST/a:1"}, Suffixes: []string{"amd64=_x", "arm64=_x"}},
		`--suffixes: "linux/amd64=_y" is named twice`:                  {Arguments: []string{"DST/a:1"}, Suffixes: []string{"amd64=_x", "linux/amd64=_y"}},
	} {
		s.named(a.Arguments...)
		_, err := a.Run(t.Context(), s.options)
		require.ErrorContains(t, err, want)
		require.True(t, fault.Is(err, fault.Input), want)
	}
	require.Empty(t, s.source.Counts())
	require.Empty(t, s.destination.Counts())
}
