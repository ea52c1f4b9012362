package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"csync/sync/report"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
)

// screen is what was written, in order. All of it may be read after Close.
type screen struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(data)
}

// seen waits for a second of the bubble's time and returns what was written in
// it.
func (s *screen) seen() string {
	<-time.After(time.Second)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.String()
	s.Reset()
	return text
}

func TestWithoutATerminalALineIsLoggedEveryMinute(t *testing.T) {
	keepLogging(t)
	synctest.Test(t, func(t *testing.T) {
		var out screen
		require.NoError(t, setUpLogging(&out, "info", "text"))
		p := newProgress(&out, false)
		defer p.Close()
		logrus.SetOutput(p)
		p.Planned(3)
		p.Finished(report.Result{Status: report.Done})
		p.Finished(report.Result{Status: report.Failed})
		add, done := p.Moving("sha256:12", 2_000_000)
		add(1_500_000)
		require.Empty(t, out.seen())
		<-time.After(time.Minute)
		require.Contains(t, out.seen(), `level=info msg="2 of 3 done, 1 failed, 1 moving, 1.5 MB moved"`+"\n")
		done()
		<-time.After(time.Minute)
		require.Contains(t, out.seen(), `msg="2 of 3 done, 1 failed, 1.5 MB moved"`+"\n")
		p.Close()
		<-time.After(time.Hour)
		require.Empty(t, out.seen())
	})
}

func TestOnATerminalEachTransferAndTheWholeHaveABar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newProgress(&out, true)
		defer p.Close()
		p.Planned(4)
		p.Finished(report.Result{Status: report.Done})
		add, done := p.Moving("sha256:12", 4_000_000)
		add(1_000_000)
		_, unknownDone := p.Moving("sha256:"+strings.Repeat("f", 64), -1)
		frame := out.seen()
		require.Regexp(t, `sha256:12 +\[=+>-+\] 1\.0 MB / 4\.0 MB\n`, frame)
		require.Regexp(t, `sha256:f{28}… \[-+\] 0 B\n`, frame)
		require.Regexp(t, `1 of 4 done, 2 moving, 1\.0 MB moved +\[=+>-+\] 25 %\n`, frame)
		done()
		unknownDone()
		out.seen() // the frame in which they go
		require.NotContains(t, out.seen(), "sha256:")
		p.Close()
	})
}

func TestTransfersBeyondTheVisibleOnesAreCountedOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newProgress(&out, true)
		defer p.Close()
		var ends []func()
		for i := range visible + 2 {
			add, done := p.Moving(fmt.Sprintf("blob-%d", i), 10)
			add(1)
			ends = append(ends, done)
		}
		frames := out.seen()
		require.Contains(t, frames, "blob-7")
		require.NotContains(t, frames, "blob-8")
		require.Contains(t, frames, fmt.Sprintf("%d moving, 10 B moved", visible+2))
		ends[0]()
		ends[0]() // frees one place, not two
		_, done := p.Moving("blob-next", 10)
		defer done()
		require.Contains(t, out.seen(), "blob-next")
		p.Close()
		for _, end := range ends {
			end()
		}
	})
}

func TestLogLinesAndBarsDoNotTearEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newProgress(&out, true)
		defer p.Close()
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for range 50 {
					_, err := p.Write([]byte("a line of the log\n"))
					require.NoError(t, err)
				}
			})
		}
		writers.Wait()
		require.Equal(t, 200, strings.Count(lastLines(out.seen()), "\na line of the log"))
		p.Close()
	})
}

// lastLines is text without the sequence that moves up over the bars.
func lastLines(text string) string { return "\n" + strings.ReplaceAll(text, "\x1b[1A\x1b[J", "") }

func TestLinesWrittenJustBeforeCloseAreNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := newProgress(&out, true)
		defer p.Close()
		out.seen()
		_, err := p.Write([]byte("the last word\n"))
		require.NoError(t, err)
		p.Close()
		p.Close() // again does nothing
		require.Equal(t, "\x1b[1A\x1b[Jthe last word\n", out.String(), "the bar is wiped first")
		_, err = p.Write([]byte("afterwards\n"))
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(out.String(), "the last word\nafterwards\n"))
		add, done := p.Moving("late", 1)
		add(1)
		done()
		p.Finished(report.Result{})
	})
}
