package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"csync/sync/fault"

	"github.com/stretchr/testify/require"
)

func text(t *testing.T, r *Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteText(&out))
	return out.String()
}

func TestTextIsATableReasonsAndASentence(t *testing.T) {
	t.Parallel()
	got := text(t, samples()["done"])
	lines := strings.Split(strings.TrimSpace(got), "\n")
	require.Len(t, lines, 9)
	require.Equal(t, []string{"ACTION", "STATUS", "DESTINATION", "DIGEST", "WRITTEN", "TIME"}, strings.Fields(lines[0]))
	require.Equal(t, []string{
		"copy", "done", "docker://mirror.example.net:5000/library/redis:7.4",
		"sha256:7a7a7a7a7a7a", "41.5", "MB", "3.1s",
	}, strings.Fields(lines[3]))
	require.Equal(t, strings.Index(lines[0], "DIGEST"), strings.Index(lines[3], "sha256:"))
	require.Equal(t, "4 in all: 1 copied, 1 retagged, 1 unchanged, 1 skipped; "+
		"41.5 MB read, 41.5 MB written, 12.8 MB reused in 4.2s", lines[8])
	require.Equal(t, "skipped: docker://mirror.example.net:5000/library/legacy:2: its only platform is linux/s390x", lines[6])
}

func TestTextHasEveryFailureWhole(t *testing.T) {
	t.Parallel()
	got := text(t, samples()["failures"])
	for _, result := range samples()["failures"].Results {
		require.Contains(t, got, "    "+result.Error.where()+":\n    "+result.Error.Message+"\n")
	}
	require.Contains(t, got, "14 in all: 14 failed;")
}

func TestTextOfNothingIsTheSentence(t *testing.T) {
	t.Parallel()
	require.Equal(t, "dry run, 0 in all; 0 B read, 0 B written, 0 B reused in 4.2s\n", text(t, finished("plan", true, nil)))
}

func TestTextShowsNothingThatMovesTheCursor(t *testing.T) {
	t.Parallel()
	hostile := copied("evil\x1b[2J\u202e\ttab", "1")
	hostile.Status, hostile.Error = Failed, Failure(fault.New(fault.Denied, errors.New("first\r\nsecond\x1b]0;title\a")))
	got := text(t, finished("sync", false, []Result{hostile}))
	require.NotContains(t, got, "\x1b")
	require.NotContains(t, got, "\u202e")
	require.NotContains(t, got, "\r")
	require.Contains(t, got, `evil\x1b[2J\u202e\ttab`)
	require.Contains(t, got, "    first\n    second\\x1b]0;title\\a\n")
}

func TestSizesAndDurationsAreShort(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB",
		1_500_000: "1.5 MB", 2_000_000_000_000: "2.0 TB", 1 << 62: "4.6 EB",
	} {
		require.Equal(t, want, Size(bytes))
	}
	for ms, want := range map[int64]string{0: "0s", 350: "350ms", 1234: "1.2s", 123_456: "2m3s", 7_200_000: "2h0m0s"} {
		require.Equal(t, want, duration(ms))
	}
}
