package run_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestARunFillsInResultsAndLeavesThePlanAsItWas(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	source.Push(t, "app", "2.0", registrytest.RandomImage(2))
	for _, place := range []string{"docker://" + destination.Host(), "docker://" + source.Host()} {
		l := newLab(t, place)
		p := l.plan(oneOf(source, "app", "1.0", "csync: {repositories: {app: {tags: {'1.0': [stable, '1']}}}}"))
		var wishes []plan.Wish
		var keys []plan.Key
		for _, step := range p.Steps {
			wishes, keys = append(wishes, step.Wish), append(keys, step.Key())
		}

		l.run(t.Context(), p)

		require.Len(t, wishes, 3)
		for i, step := range p.Steps {
			require.Contains(t, []report.Status{report.Done, report.Unchanged}, step.Result.Status, step.Err)
			require.Equal(t, wishes[i], step.Wish)
			require.Equal(t, keys[i], step.Key())
			require.Equal(t, step.Result.Action, step.Action)
		}
	}
}
