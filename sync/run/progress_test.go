package run_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/run"
)

// tally counts what it is told.
type tally struct {
	mu                sync.Mutex
	planned, finished int
	moving, moves     int
	moved             int64
}

func (t *tally) count(what func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what()
}

func (t *tally) Planned(steps int)      { t.count(func() { t.planned += steps }) }
func (t *tally) Finished(report.Result) { t.count(func() { t.finished++ }) }
func (t *tally) Moving(string, int64) (func(int64), func()) {
	t.count(func() { t.moving, t.moves = t.moving+1, t.moves+1 })
	return func(n int64) { t.count(func() { t.moved += n }) }, func() { t.count(func() { t.moving-- }) }
}

func TestEveryListenerIsToldEverything(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "app", "1", "2")
	first, second := &tally{}, &tally{}
	l := newLab(t, "docker://"+destination.Host())
	l.options.Progress = []run.Progress{first, second}

	requireAll(t, report.Done, l.sync(allOf(source, "app")))

	require.Equal(t, 2, first.planned)
	require.Equal(t, 2, first.finished)
	require.Positive(t, first.moves)
	require.Positive(t, first.moved)
	require.Zero(t, first.moving)
	require.Equal(t, first, second)
}
