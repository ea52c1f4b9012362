package plan

import (
	"context"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/report"
)

// copier is a Copier that answers in one way.
type copier struct {
	complete bool
	attaches bool
	err      error
	requests []image.Request
}

func (c *copier) Vouch(_ context.Context, r image.Request) error {
	c.requests = append(c.requests, r)
	return c.err
}

func (c *copier) Complete(ctx context.Context, r image.Request) (bool, error) {
	return c.complete, c.Vouch(ctx, r)
}

func (c *copier) Attaches(image.Request) (bool, error) { return c.attaches, c.err }

func TestWhatIsInPlaceMayLackSignaturesOrBeRefused(t *testing.T) {
	t.Parallel()
	refused := fault.New(fault.Policy, errMade)
	made := digest.FromString("made")
	for _, test := range []struct {
		name    string
		copier  copier
		format  string
		status  report.Status
		inPlace bool
	}{
		{"complete", copier{complete: true}, "", report.Unchanged, false},
		{"signatures are missing", copier{}, "", "", true},
		{"refused", copier{err: refused}, "", report.Failed, false},
		{"converted, and complete", copier{complete: true}, "x", report.Unchanged, false},
		{"converted, and signatures are missing", copier{}, "x", "", false},
		{"converted, and refused", copier{err: refused}, "x", report.Failed, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source, destination, cache := newShop(), newShop(), newCache(t)
			sum := both(source, destination)
			step := between(t, source, destination, "1.0")
			if step.Format = test.format; test.format != "" {
				destination.named["1.0"] = withDigest(destination.named["1.0"], made)
				cache.keep(step, entry{Source: sum, Digest: made})
			}

			comparing(Request{Copier: &test.copier, Cache: cache}).step(t.Context(), step, known{})()

			require.Equal(t, test.status, step.Result.Status, step.Err)
			require.Equal(t, test.inPlace, step.InPlace)
			require.Len(t, test.copier.requests, 1)
			require.Equal(t, sum, test.copier.requests[0].Digest)
			require.Equal(t, sum, test.copier.requests[0].Chosen, "of which there may be signatures")
			if test.status == "" && test.format != "" {
				require.Empty(t, step.Wanted)
			}
			if test.copier.err != nil {
				require.Equal(t, fault.Source, fault.SideOf(step.Err))
			}
		})
	}
}

func TestAPlanThatIsAllAsksThePolicyAboutWhatWouldBeCopied(t *testing.T) {
	t.Parallel()
	for _, readOnly := range []bool{true, false} {
		source := newShop()
		source.image("a", "1.0")
		refusing := &copier{err: fault.New(fault.Policy, errMade)}
		step := between(t, source, newShop(), "1.0")
		comparing(Request{ReadOnly: readOnly, Copier: refusing}).step(t.Context(), step, known{})()
		require.Equal(t, readOnly, fault.Is(step.Err, fault.Policy))
	}
}
