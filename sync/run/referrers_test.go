package run_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

const withReferrers = "  csync: {repositories: {'**': {referrers: true}}}\n"

// signed is an index with all that can refer to it.
type signed struct {
	index                            registrytest.Image
	sbom, sbomSignature, childReport registrytest.Image
	cosignTag, childCosignTag        string
}

// pushSigned pushes an image with an SBOM, a signature of the SBOM, a report on
// one instance, and cosign's signatures of the index and of that instance.
func pushSigned(t *testing.T, source *registrytest.Registry, repository, tag string) signed {
	t.Helper()
	s := signed{index: registrytest.WithAttestations(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))}
	source.Push(t, repository, tag, s.index)
	s.sbom = registrytest.Artifact(&s.index, "application/spdx+json", registrytest.Blob{MediaType: "application/spdx+json", Content: []byte("{}\n")})
	s.sbomSignature = registrytest.Artifact(&s.sbom, "application/vnd.example.signature")
	s.childReport = registrytest.Artifact(&s.index.Children[0], "application/vnd.example.report")
	var signature registrytest.Image
	s.cosignTag, signature = registrytest.CosignSignature(s.index)
	source.Push(t, repository, s.cosignTag, signature)
	s.childCosignTag, signature = registrytest.CosignSignature(s.index.Children[0])
	source.Push(t, repository, s.childCosignTag, signature)
	for _, referrer := range []registrytest.Image{s.sbom, s.sbomSignature, s.childReport} {
		source.Push(t, repository, "", referrer)
	}
	return s
}

// requireSigned wants everything to be there byte for byte.
func (s signed) requireSigned(t *testing.T, source, destination *registrytest.Registry) {
	t.Helper()
	const repository = "team/app"
	require.Equal(t, source.Image(t, repository, "1.0"), destination.Image(t, repository, "1.0"))
	for _, name := range []string{s.cosignTag, s.childCosignTag, s.sbom.Digest().String(), s.sbomSignature.Digest().String(), s.childReport.Digest().String()} {
		require.Equal(t, source.Image(t, repository, name), destination.Image(t, repository, name))
	}
}

func TestReferrersComeWithTheImageAndTheSecondRunIsUnchanged(t *testing.T) {
	t.Parallel()
	for name, option := range map[string][2][]registrytest.Option{
		"by the API at both sides":             {},
		"from the referrers tag to the API":    {{registrytest.NoReferrersAPI()}, nil},
		"from the API to the referrers tag":    {nil, {registrytest.NoReferrersAPI()}},
		"from referrers tag to referrers tag":  {{registrytest.NoReferrersAPI()}, {registrytest.NoReferrersAPI()}},
		"into a repository that has the image": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := registrytest.Start(t)
			source, destination := registrytest.Start(t, option[0]...), registrytest.Start(t, option[1]...)
			s := pushSigned(t, plain, "team/app", "1.0")
			requireAll(t, report.Done, newLab(t, "docker://"+source.Host()).sync(oneOf(plain, "team/app", "1.0")+withReferrers))
			if strings.Contains(name, "has the image") {
				destination.Push(t, "team/app", "1.0", s.index)
			}
			l := newLab(t, "docker://"+destination.Host())

			results := l.sync(oneOf(source, "team/app", "1.0") + withReferrers)

			require.Len(t, results, 6)
			s.requireSigned(t, plain, destination)
			requireAll(t, report.Unchanged, l.sync(oneOf(source, "team/app", "1.0")+withReferrers))
		})
	}
}

func TestATagOfCosignsThatIsChosenAnywayIsOneResult(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushSigned(t, source, "app", "1.0")

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app") + withReferrers)

	requireAll(t, report.Done, results)
	require.Len(t, results, 6)
}

func TestEveryTagWithReferrersTagsIsUnchangedInTheSecondRun(t *testing.T) {
	t.Parallel()
	plain := registrytest.Start(t)
	source, destination := registrytest.Start(t, registrytest.NoReferrersAPI()), registrytest.Start(t, registrytest.NoReferrersAPI())
	pushSigned(t, plain, "app", "1.0")
	requireAll(t, report.Done, newLab(t, "docker://"+source.Host()).sync(oneOf(plain, "app", "1.0")+withReferrers))
	l := newLab(t, "docker://"+destination.Host())

	requireAll(t, report.Done, l.sync(allOf(source, "app")+withReferrers))

	requireAll(t, report.Unchanged, l.sync(allOf(source, "app")+withReferrers))
}

func TestANewSignatureOfAnUnchangedImageIsCopied(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	made := registrytest.RandomImage(1)
	source.Push(t, "app", "1.0", made)
	l := newLab(t, "docker://"+destination.Host())
	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0")+withReferrers))
	tag, signature := registrytest.CosignSignature(made)
	source.Push(t, "app", tag, signature)
	referrer := registrytest.Artifact(&made, "application/vnd.example.signature")
	source.Push(t, "app", "", referrer)

	results := l.sync(oneOf(source, "app", "1.0") + withReferrers)

	require.Len(t, results, 3)
	require.Equal(t, report.Unchanged, results[0].Status)
	requireAll(t, report.Done, results[1:])
	require.True(t, destination.HasTag(t, "app", tag))
	require.True(t, destination.HasTag(t, "app", referrer.Digest().String()))
}

func TestReferrersOfAFilteredIndexAreThoseOfItsInstances(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	s := pushSigned(t, source, "app", "1.0")

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0") +
		"  csync: {platforms: [linux/amd64], repositories: {app: {referrers: true}}}\n")

	requireAll(t, report.Done, results)
	require.Len(t, results, 3)
	require.True(t, destination.HasTag(t, "app", s.childCosignTag))
	require.True(t, destination.HasTag(t, "app", s.childReport.Digest().String()))
	require.False(t, destination.HasTag(t, "app", s.cosignTag), "what it signs is not here")
}

func TestWithoutReferrersOnlyTheImageIsCopied(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushSigned(t, source, "app", "1.0")

	results := newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0"))

	require.Len(t, results, 1)
	require.Equal(t, []string{"1.0"}, destination.Tags(t, "app"))
	require.Zero(t, source.Count(registrytest.Referrers))
}

func TestSignaturesThatTravelByThemselvesAreNoReferrersAsWell(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]registrytest.Image{"an image": one(1), "an index": several(1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, before := sigstoreOf(t, theirs)
			_, signer := sigstoreOf(t, ours)
			p := signedSource(t, made, registrytest.Start(t), "", before)
			sbom := registrytest.Artifact(&made, "application/spdx+json")
			p.source.Push(t, "team/app", "", sbom)
			p.file += withReferrers
			p.options.Copier.Signers = []image.Signer{signer}

			first := p.sync(p.file)

			requireAll(t, report.Done, first)
			require.Len(t, first, 2, "the image and the SBOM")
			for range 2 {
				for _, d := range digests(made) {
					require.Len(t, p.signatures(p.destination, "team/app", d), 2)
					require.Subset(t, p.signatures(p.destination, "team/app", d), p.signatures(p.source, "team/app", d))
				}
				p.reset()
				requireAll(t, report.Unchanged, p.sync(p.file))
				require.Empty(t, writes(p.destination, "team/app"))
			}
		})
	}
}
