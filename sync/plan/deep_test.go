package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/report"
)

// layered keeps an image with a config and the layers, of which the repository
// has the blobs, under a tag.
func (s *shop) layered(tag string, layers ...string) digest.Digest {
	describe := func(mediaType, text string) string {
		sum := digest.FromString(text)
		s.blobs[sum] = text
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, sum, len(text))
	}
	var described []string
	for _, layer := range layers {
		described = append(described, describe(v1.MediaTypeImageLayer, layer))
	}
	return s.put(v1.MediaTypeImageManifest, fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[%s]}`,
		describe(v1.MediaTypeImageConfig, "config of "+tag), strings.Join(described, ",")), tag)
}

// inPlace is a step that has found its destination, or made it, as it should be.
func inPlace(t *testing.T, there *shop, tag string, sum digest.Digest, status report.Status) *Step {
	t.Helper()
	step := between(t, newShop(), there, tag)
	step.Result.Status, step.Result.Verified, step.Result.Digest = status, true, sum
	return step
}

func TestADeepVerificationAsksForEachBlobOfARepositoryOnce(t *testing.T) {
	t.Parallel()
	there := newShop()
	one, two := there.layered("1", "base", "one"), there.layered("2", "base", "two")
	plan := &Plan{Steps: []*Step{inPlace(t, there, "1", one, report.Unchanged), inPlace(t, there, "2", two, report.Done)}}

	plan.VerifyDeep(t.Context(), 4)

	require.False(t, plan.Failed())
	var want []string
	for _, text := range []string{"base", "one", "two", "config of 1", "config of 2"} {
		want = append(want, "BLOB "+digest.FromString(text).String())
	}
	slices.Sort(want)
	require.Equal(t, append(want, "GET 1", "GET 2"), there.requests())
	require.True(t, plan.Steps[1].Result.Verified)
	require.Equal(t, report.Done, plan.Steps[1].Result.Status)
}

func TestABlobThatIsMissingOrOfAnotherSizeFailsWhatNeedsIt(t *testing.T) {
	t.Parallel()
	base, two := digest.FromString("base"), digest.FromString("two")
	for _, c := range []struct {
		name   string
		damage func(*shop)
		kind   fault.Kind
		text   string
	}{
		{"missing", func(s *shop) { delete(s.blobs, base) }, fault.NotFound, "delete the image there, and sync again"},
		{"two are missing", func(s *shop) { delete(s.blobs, base); delete(s.blobs, two) }, fault.NotFound, ", and 1 more"},
		{"shorter", func(s *shop) { s.blobs[base] = "bas" }, fault.DigestMismatch, "it has 3 bytes instead of 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			there := newShop()
			other, broken := there.layered("1", "one"), there.layered("2", "base", "two")
			c.damage(there)
			plan := &Plan{Steps: []*Step{inPlace(t, there, "1", other, report.Done), inPlace(t, there, "2", broken, report.Done)}}
			plan.VerifyDeep(t.Context(), 4)
			require.Equal(t, report.Done, plan.Steps[0].Result.Status)
			failed := plan.Steps[1]
			require.Equal(t, report.Failed, failed.Result.Status)
			require.False(t, failed.Result.Verified)
			require.True(t, fault.Is(failed.Err, c.kind), failed.Err)
			require.Equal(t, fault.Destination, fault.SideOf(failed.Err))
			require.ErrorContains(t, failed.Err, "blob "+base.String()+" of instance "+broken.String())
			require.ErrorContains(t, failed.Err, c.text)
		})
	}
}

func TestATagThatHasMovedSinceItWasWrittenFails(t *testing.T) {
	t.Parallel()
	there := newShop()
	wrote, now := digest.FromString("wrote"), there.layered("1", "layer")
	step := inPlace(t, there, "1", wrote, report.Done)
	(&Plan{Steps: []*Step{step}}).VerifyDeep(t.Context(), 1)
	require.True(t, fault.Is(step.Err, fault.DigestMismatch), step.Err)
	require.ErrorContains(t, step.Err, "names "+now.String()+", and should name "+wrote.String())
}

func TestAnAuditLeavesWhatIsStillToDo(t *testing.T) {
	t.Parallel()
	there := newShop()
	step := between(t, newShop(), there, "1")
	(&Plan{Steps: []*Step{step}}).Audit(t.Context(), 1)
	require.True(t, step.ToDo())
	require.Empty(t, there.requests())
}

func TestADeepVerificationLeavesWhatHasFailedAndFailsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	there := newShop()
	missing, failed := between(t, newShop(), there, "1"), between(t, newShop(), there, "2")
	failed.Fail(fault.New(fault.Conflict, errMade))
	(&Plan{Steps: []*Step{missing, failed}}).VerifyDeep(t.Context(), 1)
	require.True(t, fault.Is(missing.Err, fault.NotFound), missing.Err)
	require.ErrorIs(t, failed.Err, errMade)
	require.Empty(t, there.requests())
}

func TestWhatWasDoneBeforeAnInterruptionStaysDoneButNotVerified(t *testing.T) {
	t.Parallel()
	there := newShop()
	sum := there.layered("1", "layer")
	there.reading = cancelled(t).Err()
	done, unchanged := inPlace(t, there, "1", sum, report.Done), inPlace(t, there, "1", sum, report.Unchanged)
	(&Plan{Steps: []*Step{done, unchanged}}).VerifyDeep(cancelled(t), 1)
	require.Equal(t, report.Done, done.Result.Status)
	require.False(t, done.Result.Verified)
	require.NotEmpty(t, done.Result.Reason)
	require.True(t, fault.Is(unchanged.Err, fault.Cancelled), unchanged.Err)
}
