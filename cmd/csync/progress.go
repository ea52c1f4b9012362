package main

import (
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"csync/sync/report"

	"github.com/sirupsen/logrus"
	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows how far a run is: with bars on a terminal, elsewhere with a
// log line from time to time. Its methods are safe for concurrent use.
type progress struct {
	tally tally
	out   io.Writer
	mu    sync.Mutex // held while a line is written, so that none is torn
	bars  *bars      // nil unless out is a terminal
	stop  func()
}

// lineEvery is the time between log lines where there are no bars.
const lineEvery = time.Minute

// newProgress begins to show progress on out. Until Close, log lines must go
// through the progress (logrus.SetOutput), so that bars leave room for them.
// Where out is no terminal, a line is logged from time to time.
func newProgress(out io.Writer, terminal bool) *progress {
	p := &progress{out: out}
	if terminal {
		p.bars = newBars(out, &p.tally)
		p.stop = sync.OnceFunc(p.closeBars)
	} else {
		p.stop = sync.OnceFunc(repeat(lineEvery, func() { logrus.Info(p.tally.String()) }))
	}
	return p
}

// Planned says how many more steps there are to do.
func (p *progress) Planned(steps int) {
	all := p.tally.steps.Add(int64(steps))
	if p.bars != nil {
		p.bars.whole.SetTotal(all, false)
	}
}

// Moving says that a blob of size bytes starts to move; a size that is not
// known is not positive. add says that n more bytes moved, done that it ended.
func (p *progress) Moving(name string, size int64) (add func(n int64), done func()) {
	draw, erase := func(int64) {}, func() {}
	if p.bars != nil {
		draw, erase = p.bars.start(name, size)
	}
	p.tally.moving.Add(1)
	add = func(n int64) {
		p.tally.moved.Add(n)
		draw(n)
	}
	done = sync.OnceFunc(func() {
		p.tally.moving.Add(-1)
		erase()
	})
	return add, done
}

// Finished says that a step has its result.
func (p *progress) Finished(result report.Result) {
	p.tally.finished.Add(1)
	if result.Status == report.Failed {
		p.tally.failed.Add(1)
	}
	if p.bars != nil {
		p.bars.whole.Increment()
	}
}

// Write writes whole lines above the bars, or to where the progress is shown
// if there are none or no more.
func (p *progress) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		if n, err := p.bars.container.Write(lines); err == nil {
			return n, nil
		}
	}
	return p.out.Write(lines)
}

// Close takes the bars away and waits until nothing runs on. What is written
// later goes straight to where the progress was shown.
func (p *progress) Close() { p.stop() }

func (p *progress) closeBars() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bars.close()
}

// repeat calls say whenever every has passed. The func that it returns ends
// that, and waits for a call under way.
func repeat(every time.Duration, say func()) (stop func()) {
	ticker := time.NewTicker(every)
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ticker.C:
				say()
			case <-quit:
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(quit)
		running.Wait()
	}
}

// tally is how far a run is.
type tally struct {
	steps, finished, failed, moving, moved atomic.Int64
}

// String reads "12 of 150 done, 1 failed, 3 moving, 1.2 GB moved".
func (t *tally) String() string {
	text := fmt.Sprintf("%d of %d done", t.finished.Load(), t.steps.Load())
	if failed := t.failed.Load(); failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if moving := t.moving.Load(); moving > 0 {
		text += fmt.Sprintf(", %d moving", moving)
	}
	return text + fmt.Sprintf(", %s moved", report.Size(t.moved.Load()))
}

// visible is how many transfers have a bar of their own. The others are in the
// tally only.
const visible = 8

// bars are a bar for each transfer and, below them, one for the whole run.
type bars struct {
	container *mpb.Progress
	screen    *cupwriter.Writer
	whole     *mpb.Bar
	slots     chan struct{}
}

func newBars(out io.Writer, tally fmt.Stringer) *bars {
	screen := cupwriter.New(out, true)
	container := mpb.New(mpb.WithConsoleWriter(screen), mpb.WithAutoRefresh())
	whole := container.AddBar(0,
		mpb.BarPriority(math.MaxInt),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return tally.String() })),
		mpb.AppendDecorators(decor.Percentage()))
	return &bars{container: container, screen: screen, whole: whole, slots: make(chan struct{}, visible)}
}

// start shows a transfer if there is room for it.
func (b *bars) start(name string, size int64) (draw func(n int64), erase func()) {
	draw, erase = func(int64) {}, func() {}
	select {
	case b.slots <- struct{}{}:
	default:
		return draw, erase
	}
	bar, err := b.container.Add(max(0, size), mpb.BarStyle().Build(),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(cut(name, 36), decor.WC{W: 36, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.Any(moved)))
	if err != nil { // closed: nothing is shown any more
		return draw, erase
	}
	erase = func() {
		bar.Abort(true)
		<-b.slots
	}
	return bar.IncrInt64, erase
}

// close ends all bars and wipes them off the screen. Lines that waited for the
// next refresh are written.
func (b *bars) close() {
	b.container.Shutdown()
	_ = b.screen.Flush(0) // a terminal that is gone has nobody to tell
}

// moved is how much of a transfer is done: "1.2 MB / 3.4 MB".
func moved(s decor.Statistics) string {
	if s.Total <= 0 {
		return report.Size(s.Current)
	}
	return report.Size(s.Current) + " / " + report.Size(s.Total)
}

// cut is text of at most width characters.
func cut(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
