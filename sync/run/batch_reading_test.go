package run

import (
	"io"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/plan"
	"csync/sync/report"
)

func TestABatchThatWritesToOneRegistryReadsWithoutASpool(t *testing.T) {
	client := newClient(t)
	for name, c := range map[string]struct {
		destinations []string
		several      bool
	}{
		"one":                          {[]string{"a.example"}, false},
		"two repositories of one":      {[]string{"a.example", "a.example/other"}, false},
		"two":                          {[]string{"a.example", "b.example"}, true},
		"two, and the first once more": {[]string{"a.example", "a.example", "b.example"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := &batch{shelf: shelf(t), joined: map[digest.Digest]*spool{}}
			for _, destination := range c.destinations {
				b.chains = append(b.chains, []*plan.Step{stepOf(t, client, "source.example", destination)})
			}
			require.Equal(t, c.several, b.several())
			counted := int64(0)

			body, err := b.open(t.Context(), blobFrom("content", strings.NewReader("content")), func(n int64) { counted += n })
			require.NoError(t, err)
			content, err := io.ReadAll(body)
			require.NoError(t, err)
			require.Equal(t, "content", string(content))
			require.EqualValues(t, len(content), counted)
			require.Equal(t, c.several, len(b.shelf.open) == 1)
			b.close()
		})
	}
}

func TestWhatIsHereAlreadyIsNeitherCountedNorSpooled(t *testing.T) {
	client := newClient(t)
	b := &batch{shelf: shelf(t), joined: map[digest.Digest]*spool{}, chains: [][]*plan.Step{
		{stepOf(t, client, "source.example", "a.example")}, {stepOf(t, client, "source.example", "b.example")},
	}}
	blob, counted := blobFrom("content", strings.NewReader("content")), int64(0)
	blob.Held = true
	body, err := b.open(t.Context(), blob, func(n int64) { counted += n })
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, err)
	require.Empty(t, b.shelf.open)
	require.Zero(t, counted)
}

func TestStepsFollowWhatTheyNeed(t *testing.T) {
	client := newClient(t)
	content, tag, free, done := stepOf(t, client, "s.example", "a.example"), &plan.Step{}, &plan.Step{}, &plan.Step{}
	tag.Needs, free.Needs = content, done
	done.Result.Status = report.Unchanged

	require.Equal(t, [][]*plan.Step{{content, tag}, {free}}, chain([]*plan.Step{tag, done, content, free}))
}
