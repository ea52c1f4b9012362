package report

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"csync/sync/fault"

	"github.com/stretchr/testify/require"
)

func TestEveryResultIsCountedOnce(t *testing.T) {
	t.Parallel()
	actions := []Action{Copy, Retag, Assemble, Merge, Delete, "unheard-of"}
	statuses := []Status{Done, Unchanged, Planned, Skipped, Failed, RolledBack, ""}
	var results []Result
	for _, action := range actions {
		for _, status := range statuses {
			results = append(results, Result{Action: action, Status: status, BytesRead: 1, BytesWritten: 2, BytesReused: 3})
		}
	}
	s := finished("sync", false, results).Summary
	require.Equal(t, len(results), s.Total)
	require.Equal(t, s.Total, s.done()+s.Unchanged+s.Planned+s.Skipped+s.Failed+s.RolledBack)
	require.Equal(t, []int{1, 1, 1, 1, 1}, []int{s.Copied, s.Retagged, s.Assembled, s.Merged, s.Deleted})
	require.Equal(t, 13, s.Failed, "what is not known must not pass for success")
	require.Equal(t, []int64{42, 84, 126}, []int64{s.BytesRead, s.BytesWritten, s.BytesReused})
}

func TestResultsAreInOrderOfDestinationActionAndSource(t *testing.T) {
	t.Parallel()
	want := []Result{
		{Destination: "", Action: Copy, Source: "b"},
		{Destination: "d1", Action: Copy, Source: "a"},
		{Destination: "d1", Action: Copy, Source: "b"},
		{Destination: "d1", Action: Retag, Source: "a"},
		{Destination: "d2", Action: Copy, Source: "a"},
	}
	shuffled := []Result{want[4], want[2], want[0], want[3], want[1]}
	require.Equal(t, want, finished("sync", false, shuffled).Results)
	require.Equal(t, "d2", shuffled[0].Destination, "the slice is the caller's")
}

func TestChangedAndFailed(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name            string
		status          Status
		dryRun          bool
		changed, failed bool
	}{
		{"a step that was done", Done, false, true, false},
		{"a step that a dry run would do", Planned, true, true, false},
		{"a step planned but never done", Planned, false, false, false},
		{"nothing to do", Unchanged, false, false, false},
		{"a step skipped", Skipped, false, false, false},
		{"a step that failed", Failed, false, false, true},
		{"a step rolled back", RolledBack, false, false, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := finished("sync", c.dryRun, []Result{{Action: Copy, Status: c.status}})
			require.Equal(t, c.changed, r.Changed)
			require.Equal(t, c.failed, r.Failed())
		})
	}
}

func TestTimesAreUTCInMilliseconds(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 14, 10, 0, 0, 1_999_999, time.FixedZone("CET", 3600))
	r := New("sync", "1.2.0", false, began)
	r.Finish(nil, nil, began.Add(1500*time.Millisecond))
	require.Equal(t, "2026-03-14T09:00:00.001Z", r.Started.Format(time.RFC3339Nano))
	require.Equal(t, "2026-03-14T09:00:01.501Z", r.Finished.Format(time.RFC3339Nano))
	require.EqualValues(t, 1500, r.DurationMS)
}

func TestFailureSpeaksOfKindSideAndMessage(t *testing.T) {
	t.Parallel()
	denied := fault.New(fault.Denied, errors.New("pushing"))
	cases := []struct {
		name string
		err  error
		want *Error
	}{
		{"no error", nil, nil},
		{
			"a failure at a side", fault.At(fault.Destination, "docker://q.io/a", denied),
			&Error{fault.Denied, fault.Destination, "destination docker://q.io/a: pushing"},
		},
		{
			"an input error has the side input", fault.New(fault.Input, errors.New("bad tag")),
			&Error{fault.Input, fault.InputSide, "bad tag"},
		},
		{
			"an input error at a side keeps it", fault.At(fault.Source, "", fault.New(fault.Input, errors.New("bad tag"))),
			&Error{fault.Input, fault.Source, "source bad tag"},
		},
		{
			"a cancelled context", fmt.Errorf("reading: %w", context.Canceled),
			&Error{fault.Cancelled, "", "reading: context canceled"},
		},
		{"an error of no kind", errors.New("odd"), &Error{fault.Internal, "", "odd"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, Failure(c.err))
		})
	}
}
