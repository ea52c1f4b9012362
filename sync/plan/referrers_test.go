package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/report"
)

// cosignTag is where cosign keeps what it has of a digest.
func cosignTag(sum digest.Digest, suffix string) string {
	return strings.Replace(sum.String(), ":", "-", 1) + suffix
}

// destinations are those of the steps, without what they have in common.
func destinations(steps []*Step) []string {
	var all []string
	for _, step := range steps {
		all = append(all, strings.TrimPrefix(step.Result.Destination, "docker://dst.test/app"))
	}
	return all
}

func TestWhatRefersToAnImageIsFoundAtAnyDistance(t *testing.T) {
	t.Parallel()
	source := newShop()
	sum, instances := source.index([]string{"linux/amd64"}, "1.0"), digest.FromString(`{"schemaVersion":2,"annotations":{"seed":"linux/amd64"}}`)
	signature := source.image("signature", cosignTag(sum, ".sig"), cosignTag(digest.FromString("other"), ".sig"))
	sbom, statement := source.image("sbom"), source.image("signature of the sbom")
	source.referrer[instances] = []v1.Descriptor{{Digest: sbom}}
	source.referrer[sbom] = []v1.Descriptor{{Digest: statement}}
	source.referrer[statement] = []v1.Descriptor{{Digest: sbom}} // round in circles
	step := between(t, source, newShop(), "1.0")
	step.SourceDigest, step.several, step.Format = sum, true, "application/x"

	steps, err := comparing(Request{}).referrersOf(t.Context(), step)

	require.NoError(t, err)
	require.Equal(t, []string{":" + cosignTag(sum, ".sig"), "@" + sbom.String(), "@" + statement.String(), "@" + sbom.String()}, destinations(steps))
	require.NotEmpty(t, signature)
	for _, made := range steps {
		require.Equal(t, strings.Replace(made.Result.Destination, "dst", "src", 1), made.Result.Source)
		require.True(t, made.several)
		require.Equal(t, step.Format, made.Format)
	}
}

func TestOnlyWhatWasFoundAndHasPlaceHasItsReferrersLookedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Step)
		want   int
		status report.Status
	}{
		{"an image", func(*Step) {}, 1, ""},
		{"of which nothing is wanted", func(s *Step) { s.Referrers = false }, 0, ""},
		{"that was not found", func(s *Step) { s.SourceDigest = "" }, 0, ""},
		{"that failed", func(s *Step) { s.Fail(fault.New(fault.Conflict, ErrNothingSelected)) }, 0, ""},
		{"that goes to no registry", func(s *Step) { s.to = elsewhere{} }, 1, report.Skipped},
		{"of which the list fails", func(s *Step) { s.from.(remote).repository.(*shop).listing = fault.New(fault.Denied, errMade) }, 1, report.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := newShop()
			step := between(t, source, newShop(), "1.0")
			step.SourceDigest, step.Referrers = source.image("a", "1.0"), true
			source.image("signature", cosignTag(step.SourceDigest, ".sig"))
			test.change(step)

			// The destinations of what is found cannot be asked here.
			ctx := cancelled(t)
			if test.status == report.Failed {
				ctx = t.Context()
			}
			steps := comparing(Request{}).referrers(ctx, []*Step{step})

			require.Len(t, steps, test.want)
			if test.want > 0 {
				require.Equal(t, test.status, steps[0].Result.Status)
			}
		})
	}
}

func TestACosignTagThatIsChosenLikeAnyOtherIsCopiedOnce(t *testing.T) {
	t.Parallel()
	one, two := between(t, newShop(), newShop(), "1.0"), between(t, newShop(), newShop(), "2.0")
	known := asked([]*Step{one})
	require.True(t, known(one))
	require.False(t, known(two))
}

func TestCosignsTagsAreThoseOfTheWholeDigest(t *testing.T) {
	t.Parallel()
	sum := digest.FromString("a")
	tags := []string{cosignTag(sum, ""), cosignTag(sum, ".sig"), cosignTag(sum, "0.sig"), cosignTag(sum, ".att"), "1.0"}
	require.Equal(t, []string{cosignTag(sum, ".sig"), cosignTag(sum, ".att")}, cosignTags(tags, sum))
}

func TestSignaturesThatComeWithTheirImageAreNoStepsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, attaches := range []bool{true, false} {
		source := newShop()
		step := between(t, source, newShop(), "1.0")
		step.SourceDigest = source.image("a", "1.0")
		source.image("signature", cosignTag(step.SourceDigest, ".sig"))
		source.image("statement", cosignTag(step.SourceDigest, ".att"))

		steps, err := comparing(Request{Copier: &copier{attaches: attaches}}).referrersOf(t.Context(), step)

		require.NoError(t, err)
		require.Contains(t, destinations(steps), ":"+cosignTag(step.SourceDigest, ".att"))
		require.Equal(t, !attaches, len(steps) == 2)
	}
}

func TestEndlessReferrersAreNoLongerFollowed(t *testing.T) {
	t.Parallel()
	source := newShop()
	first := source.image("0", "1.0")
	last := first
	for i := range maxReferrers {
		next := digest.FromString(fmt.Sprint("referrer ", i))
		source.referrer[last] = []v1.Descriptor{{Digest: next}}
		last = next
	}
	step := between(t, source, newShop(), "1.0")
	step.SourceDigest = first
	_, err := comparing(Request{}).referrersOf(t.Context(), step)
	require.True(t, fault.Is(err, fault.Unsupported), err)
}

func TestWhatIsAskedForAlreadyIsNoReferrerAsWell(t *testing.T) {
	t.Parallel()
	source := newShop()
	sum := source.image("a", "1.0")
	tag := cosignTag(sum, ".sig")
	source.image("signature", tag)
	step, signature := between(t, source, newShop(), "1.0"), between(t, source, newShop(), tag)
	step.SourceDigest, step.Referrers = sum, true

	require.Empty(t, comparing(Request{}).referrers(cancelled(t), []*Step{step, signature}))
}
