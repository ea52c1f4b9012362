package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/bench/front"
)

func took(seconds float64) measurement {
	return measurement{wall: time.Duration(seconds * float64(time.Second)), tags: 10}
}

func TestRatioComparesWithTheFastestPeerThatDidTheWork(t *testing.T) {
	t.Parallel()
	broken := took(1)
	broken.err = errors.New("broken")
	r := results{"A": {csyncName: took(3), "slow": took(12), "quick": took(6), "broken": broken}}
	value, known := ofBestPeer("A", 0.5).value(r)
	require.True(t, known)
	require.InDelta(t, 0.5, value, 1e-9)
}

func TestAGoalOfAWorkThatWasNotDoneIsNotReached(t *testing.T) {
	t.Parallel()
	rows := []row{{goals: []goal{ofBestPeer("A", 0.5), requests("A", source, 1)}}}
	for _, line := range reached(rows, results{}) {
		require.Equal(t, "not measured", line[4])
	}
	require.Len(t, missed(reached(rows, results{})), 2)
}

func TestRequestsATagLeaveOutListsAndMounts(t *testing.T) {
	t.Parallel()
	m := took(1)
	m.source.Requests = map[front.Kind]int{
		front.Ping: 1, front.TagList: 2, front.Mount: 30, front.ManifestGet: 10, front.ManifestPut: 10,
	}
	value, known := requestsPerTag("H", source, 2).value(results{"H": {csyncName: m}})
	require.True(t, known)
	require.InDelta(t, 2, value, 1e-9)
}

func TestMedianIsTheRunInTheMiddle(t *testing.T) {
	t.Parallel()
	m := median([]measurement{took(9), took(1), took(4)})
	require.Equal(t, 4*time.Second, m.wall)
	require.Equal(t, 3, m.runs)
	require.InDelta(t, 2, m.spread, 1e-9)
}

func TestMedianOfProcessorTimeIsItsOwn(t *testing.T) {
	t.Parallel()
	fast, middle, slow := took(1), took(2), took(3)
	fast.cpu, middle.cpu, slow.cpu = 2*time.Second, 5*time.Second, 4*time.Second
	m := median([]measurement{slow, fast, middle})
	require.Equal(t, 4*time.Second, m.cpu)
	require.InDelta(t, 0.75, m.cpuSpread, 1e-9)
}

func TestMedianOfRunsOfWhichOneFailedIsTheFailure(t *testing.T) {
	t.Parallel()
	broken := took(1)
	broken.err = errors.New("broken")
	require.Error(t, median([]measurement{broken, took(2), took(3)}).err)
}

func TestPlotPlacesPointsOnItsAxes(t *testing.T) {
	t.Parallel()
	x, y := point{tags: 100, seconds: 0.1}.place()
	require.Equal(t, []float64{plotLeft, plotBottom}, []float64{x, y})
	x, y = point{tags: 100_000, seconds: 1000}.place()
	require.Equal(t, []float64{plotRight, plotTop}, []float64{x, y})
}

func TestChooseKeepsRowsAndWorksInTheOrderAsked(t *testing.T) {
	t.Parallel()
	all := []row{
		{name: "A", works: []work{{id: "A"}, {id: "A server"}}, goals: []goal{{work: "A"}, {work: "A server"}}},
		{name: "B", works: []work{{id: "B"}}},
	}
	chosen, err := choose(all, "B,A server")
	require.NoError(t, err)
	require.Equal(t, []row{all[1], {name: "A", works: all[0].works[1:], goals: all[0].goals[1:]}}, chosen)
	_, err = choose(all, "X")
	require.ErrorContains(t, err, `no row or work "X"`)
}

func TestBytesAreThoseOfBothDirections(t *testing.T) {
	t.Parallel()
	a, l := took(1), took(1)
	a.source.BytesRead, a.source.BytesWritten, l.source.BytesRead = 100, 100, 300
	value, known := bytesOf("L", "A", source).value(results{"A": {csyncName: a}, "L": {csyncName: l}})
	require.True(t, known)
	require.InDelta(t, 1.5, value, 1e-9)
}
