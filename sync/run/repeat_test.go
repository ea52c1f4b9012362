package run_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestEqualRunsGiveEqualResults(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	file := crowd(t, source, 12)
	source.Retag(t, "team/app01", "1.0", "1")
	source.Retag(t, "team/app01", "1.0", "latest")
	pushSigned(t, source, "team/app02", "signed")
	file += "  csync: {repositories: {team/app02: {referrers: true}, team/app03: {tags: {'1.0': [stable, current]}}}}\n"
	for name, prepare := range map[string]func(*registrytest.Registry){
		"into a fresh registry": func(*registrytest.Registry) {},
		"where repositories exist": func(r *registrytest.Registry) {
			for _, repository := range []string{"team/app01", "team/app02"} {
				r.Push(t, repository, "old", registrytest.RandomImage(1, registrytest.WithLayers(registrytest.RandomLayer(900, 2000))))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first []report.Result
			for range 4 {
				destination := registrytest.Start(t)
				prepare(destination)
				l := newLab(t, "docker://"+destination.Host())
				l.jobs = 64

				results := l.sync(file)

				requireAll(t, report.Done, results)
				for i := range results {
					results[i].DurationMS = 0
					results[i].Destination = strings.ReplaceAll(results[i].Destination, destination.Host(), "HOST")
				}
				if first == nil {
					first = results
				}
				require.Equal(t, first, results)
			}
		})
	}
}
