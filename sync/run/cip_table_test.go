package run_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/spec"
)

// staged is a promotion by a cip manifest of SOURCE/staging/app to
// DESTINATION/prod/app: what kpromo's table of decisions is about.
type staged struct {
	t                   *testing.T
	source, destination *registrytest.Registry
}

func newStaged(t *testing.T) *staged {
	t.Helper()
	return &staged{t, registrytest.Start(t), registrytest.Start(t)}
}

// have puts image number i into the source.
func (s *staged) have(i int) {
	s.source.Push(s.t, "staging/app", "", registrytest.RandomImage(i))
}

// promoted puts image number i into the destination.
func (s *staged) promoted(i int, tag string) {
	s.destination.Push(s.t, "prod/app", tag, registrytest.RandomImage(i))
}

// numbered is the digest of image number i.
func numbered(i int) digest.Digest { return registrytest.RandomImage(i).Digest() }

// manifest is a cip manifest of one image with these tags of digests.
func (s *staged) manifest(wanted map[digest.Digest][]string) *spec.File {
	s.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "registries:\n- {name: %s/staging, src: true}\n- {name: %s/prod}\nimages:\n- name: app\n  dmap:\n", s.source.Host(), s.destination.Host())
	for _, d := range slices.Sorted(maps.Keys(wanted)) {
		fmt.Fprintf(&text, "    %q: [%s]\n", d, strings.Join(wanted[d], ", "))
	}
	file, err := spec.Load("promoter-manifest.yaml", strings.NewReader(text.String()), spec.Strict)
	require.NoError(s.t, err)
	return file
}

// promote runs a manifest with the policy that cip manifests have by default.
func (s *staged) promote(wanted map[digest.Digest][]string) []report.Result {
	s.t.Helper()
	s.source.Reset()
	s.destination.Reset()
	file, l := s.manifest(wanted), newLab(s.t)
	l.request.TagPolicy = file.DefaultTagPolicy()
	p := l.planFile(s.t.Context(), file)
	l.run(s.t.Context(), p)
	return p.Results()
}

type tags = map[digest.Digest][]string

func TestRow1OfCIPsTableATagThatNamesTheDigestIsUnchangedEvenIfTheSourceHasLostIt(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"the source has it": false, "the source has lost it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStaged(t)
			if !lost {
				s.have(1)
			}
			s.promoted(1, "1.0")
			s.promoted(1, "1.0.0")

			results := s.promote(tags{numbered(1): {"1.0", "1.0.0"}})

			requireAll(t, report.Unchanged, results)
			require.NotEmpty(t, results[0].MediaType)
			requireOnlyReads(t, s.destination)
			require.Equal(t, 2, s.destination.Count(registrytest.ManifestHead), s.destination.Counts())
			require.Zero(t, asked(s.source), s.source.Counts())
		})
	}
}

func TestRow2OfCIPsTableADigestWithoutATagIsUnchangedEvenIfTheSourceHasLostIt(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"the source has it": false, "the source has lost it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStaged(t)
			if !lost {
				s.have(1)
			}
			s.promoted(1, "")

			requireAll(t, report.Unchanged, s.promote(tags{numbered(1): nil}))
			requireOnlyReads(t, s.destination)
		})
	}
}

func TestRow3OfCIPsTableWhatTheSourceHasLostFailsAndTheOthersAreDone(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]bool{"into a new repository": true, "beside others": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStaged(t)
			s.have(1)
			s.have(3)
			if !fresh {
				s.promoted(9, "0.9")
			}

			results := s.promote(tags{numbered(1): {"1.0"}, numbered(2): {"2.0"}, numbered(3): nil})

			require.Len(t, results, 3)
			requireFailure(t, byDestination(results, "app:2.0"), fault.NotFound, fault.Source, numbered(2).String())
			require.Equal(t, report.Done, byDestination(results, "app:1.0").Status)
			require.Equal(t, report.Done, byDestination(results, numbered(3).String()).Status)
			require.True(t, s.destination.HasTag(t, "prod/app", numbered(3).String()))
		})
	}
}

func TestRow4OfCIPsTableATagDoesNotMoveToADigestThatIsThere(t *testing.T) {
	t.Parallel()
	s := newStaged(t)
	s.have(1)
	s.promoted(1, "other")
	s.promoted(2, "1.0")

	results := s.promote(tags{numbered(1): {"1.0"}})

	requireFailure(t, results[0], fault.Policy, fault.Destination, numbered(2).String(), numbered(1).String())
	requireOnlyReads(t, s.destination)
}

func TestRow5OfCIPsTableATagDoesNotMoveToADigestThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newStaged(t)
	s.have(1)
	s.have(3)
	s.promoted(2, "1.0")

	results := s.promote(tags{numbered(1): {"1.0", "1.0.0"}, numbered(3): {"3.0"}})

	requireFailure(t, byDestination(results, "app:1.0"), fault.Policy, fault.Destination, numbered(2).String(), numbered(1).String())
	require.Equal(t, numbered(2), s.destination.Digest(t, "prod/app", "1.0"))
	require.Equal(t, numbered(1), s.destination.Digest(t, "prod/app", "1.0.0"), "which is an entry of its own")
	require.Equal(t, numbered(3), s.destination.Digest(t, "prod/app", "3.0"))
}

func TestRows4And5OfCIPsTableMoveTheTagWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]bool{"to a digest that is there": true, "to one that is not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStaged(t)
			s.have(1)
			s.promoted(2, "1.0")
			if there {
				s.promoted(1, "")
			}
			l := newLab(t).moving("allow")
			p := l.planFile(t.Context(), s.manifest(tags{numbered(1): {"1.0"}}))
			l.run(t.Context(), p)

			results := p.Results()
			requireAll(t, report.Done, results)
			require.Equal(t, numbered(2), results[0].PreviousDigest)
			require.Equal(t, map[bool]report.Action{true: report.Retag, false: report.Copy}[there], results[0].Action)
			require.Equal(t, numbered(1), s.destination.Digest(t, "prod/app", "1.0"))
		})
	}
}

func TestRow6OfCIPsTableADigestThatIsThereGetsItsTagWithoutABlob(t *testing.T) {
	t.Parallel()
	for name, tag := range map[string]string{"under another tag": "other", "under none": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStaged(t)
			s.have(1)
			s.promoted(1, tag)
			s.promoted(2, "more")

			results := s.promote(tags{numbered(1): {"1.0"}})

			requireAll(t, report.Done, results)
			require.Equal(t, report.Retag, results[0].Action)
			require.Equal(t, numbered(1), results[0].Digest)
			require.True(t, results[0].Verified)
			require.Zero(t, s.source.Count(registrytest.BlobGet), s.source.Counts())
			require.Zero(t, s.source.Count(registrytest.ManifestGet), s.source.Counts())
			require.Zero(t, s.destination.BlobBytesWritten())
			require.Zero(t, s.destination.Count(registrytest.Mount)+s.destination.Count(registrytest.BlobHead), s.destination.Counts())
			require.Equal(t, 1, s.destination.Count(registrytest.ManifestPut), s.destination.Counts())
			require.Equal(t, numbered(1), s.destination.Digest(t, "prod/app", "1.0"))
		})
	}
}

func TestRow7OfCIPsTableADigestThatIsNowhereIsCopied(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]bool{"into a new repository": true, "beside others": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStaged(t)
			s.have(1)
			if !fresh {
				s.promoted(2, "0.9")
			}

			results := s.promote(tags{numbered(1): {"1.0"}})

			requireAll(t, report.Done, results)
			require.Equal(t, report.Copy, results[0].Action)
			require.Equal(t, s.source.Image(t, "staging/app", numbered(1).String()), s.destination.Image(t, "prod/app", "1.0"))
			requireAll(t, report.Unchanged, s.promote(tags{numbered(1): {"1.0"}}))
		})
	}
}

func TestADigestIsAskedForOnceBeforeItIsCopied(t *testing.T) {
	t.Parallel()
	s := newStaged(t)
	s.have(1)
	s.promoted(2, "0.9")

	requireAll(t, report.Done, s.promote(tags{numbered(1): {"1.0"}}))

	heads := 0
	for _, request := range s.destination.Log() {
		if request.Method == http.MethodHead && strings.HasSuffix(request.Path, numbered(1).String()) {
			heads++
		}
	}
	require.Equal(t, 1, heads, s.destination.Counts())
}

func TestAnOverlapOfACIPManifestFailsThoseEntriesOnly(t *testing.T) {
	t.Parallel()
	s := newStaged(t)
	for i := range 3 {
		s.have(i)
	}

	results := s.promote(tags{numbered(0): {"1.0", "zero"}, numbered(1): {"1.0", "one"}, numbered(2): {"2.0"}})

	require.Len(t, results, 5)
	for _, result := range results {
		if strings.HasSuffix(result.Destination, ":1.0") {
			requireFailure(t, result, fault.Conflict, fault.Destination, "would be written here as well")
			continue
		}
		require.Equal(t, report.Done, result.Status, "%s: %+v", result.Destination, result.Error)
	}
	require.Equal(t, []string{"2.0", "one", "zero"}, s.destination.Tags(t, "prod/app"))
}

func TestTheSameDigestFromTwoSourcesIsPromotedOnce(t *testing.T) {
	t.Parallel()
	s, other := newStaged(t), registrytest.Start(t)
	s.have(1)
	other.Push(t, "staging/app", "", registrytest.RandomImage(1))
	one := s.manifest(tags{numbered(1): {"1.0"}})
	two := (&staged{t, other, s.destination}).manifest(tags{numbered(1): {"1.0"}})
	l := newLab(t)

	p := l.planFile(t.Context(), &spec.File{Sources: append(one.Sources, two.Sources...)})
	l.run(t.Context(), p)

	require.Len(t, p.Results(), 1)
	requireAll(t, report.Done, p.Results())
	require.Contains(t, p.Results()[0].Source, s.source.Host(), "the first")
}

func TestABadEntryOfACIPManifestHoldsUpNothingAtItsOtherDestinations(t *testing.T) {
	t.Parallel()
	source, one, two := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
	wanted := promotion(t, source, 3, one.Host()+"/prod", two.Host()+"/prod")
	there := one.Push(t, "prod/app", "1.1", registrytest.RandomImage(77))
	l := newLab(t).moving("deny")

	p := l.planFile(t.Context(), wanted)
	l.run(t.Context(), p)

	require.Len(t, p.Results(), 6)
	for _, result := range p.Results() {
		if strings.HasSuffix(result.Destination, one.Host()+"/prod/app:1.1") {
			requireFailure(t, result, fault.Policy, fault.Destination, there.String())
			continue
		}
		require.Equal(t, report.Done, result.Status, "%s: %+v", result.Destination, result.Error)
	}
	require.Equal(t, there, one.Digest(t, "prod/app", "1.1"))
	require.Equal(t, []string{"1.0", "1.1", "1.2"}, two.Tags(t, "prod/app"))
}
