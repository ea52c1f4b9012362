package plan

import (
	"context"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/report"
)

func TestVerifyingFailsWhateverWouldHaveToBeDone(t *testing.T) {
	t.Parallel()
	a, b := digest.FromString("a"), digest.FromString("b")
	for _, test := range []struct {
		name   string
		change func(*Step)
		kind   fault.Kind
	}{
		{"another image is there", func(s *Step) { s.Wanted, s.Result.PreviousDigest = a, b }, fault.DigestMismatch},
		{"nothing is there", func(s *Step) { s.Wanted = a }, fault.NotFound},
		{"signatures are missing", func(s *Step) { s.Wanted, s.Result.PreviousDigest, s.InPlace = a, a, true }, fault.NotFound},
		{"it may not be read", func(s *Step) { s.refused = fault.New(fault.Denied, errMade) }, fault.Denied},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			step := between(t, newShop(), newShop(), "1.0")
			test.change(step)
			p := &Plan{Steps: []*Step{step}}
			p.Verify(t.Context(), 1)
			require.True(t, p.Failed())
			require.True(t, fault.Is(step.Err, test.kind), step.Err)
			require.Equal(t, fault.Destination, fault.SideOf(step.Err))
		})
	}
}

func TestVerifyingSaysWhatItDidNotGetTo(t *testing.T) {
	t.Parallel()
	step := between(t, newShop(), newShop(), "1.0")
	step.Result.PreviousDigest = digest.FromString("a")
	(&Plan{Steps: []*Step{step}}).Verify(cancelled(t), 1)
	require.True(t, fault.Is(step.Err, fault.Cancelled), step.Err)
}

func TestVerifyingAFormatOfItsOwnSaysThatItIsThere(t *testing.T) {
	t.Parallel()
	step := between(t, newShop(), newShop(), "1.0")
	there := digest.FromString("a")
	step.Result.PreviousDigest = there
	(&Plan{Steps: []*Step{step}}).Verify(context.Background(), 0)
	require.Equal(t, report.Unchanged, step.Result.Status)
	require.Equal(t, there, step.Result.Digest)
	require.Empty(t, step.Result.PreviousDigest)
	require.NotEmpty(t, step.Result.Reason)
}

func TestVerifyingLeavesWhatHasFailedAlready(t *testing.T) {
	t.Parallel()
	step := between(t, newShop(), newShop(), "1.0")
	step.Fail(fault.New(fault.Conflict, errMade))
	(&Plan{Steps: []*Step{step}}).Verify(t.Context(), 1)
	require.ErrorIs(t, step.Err, errMade)
	require.True(t, fault.Is(step.Err, fault.Conflict))
}

func TestVerifyingAsksForEveryInstanceOfWhatIsInPlace(t *testing.T) {
	t.Parallel()
	shop := newShop()
	sum := shop.index([]string{"linux/amd64", "linux/arm64"}, "1.0")
	instance := digest.FromString(`{"schemaVersion":2,"annotations":{"seed":"linux/arm64"}}`)
	verified := func() *Step {
		step := between(t, newShop(), shop, "1.0")
		step.Result.Status, step.Result.Verified = report.Unchanged, true
		(&Plan{Steps: []*Step{step}}).Verify(t.Context(), 1)
		return step
	}

	require.NoError(t, verified().Err)
	require.Contains(t, shop.requests(), "GET "+sum.String())
	require.Contains(t, shop.requests(), "HEAD "+instance.String())

	delete(shop.named, instance.String())
	broken := verified()
	require.True(t, fault.Is(broken.Err, fault.NotFound), broken.Err)
	require.ErrorContains(t, broken.Err, "delete the image there")
	require.False(t, broken.Result.Verified)
}
