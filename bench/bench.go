package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// bench runs works and keeps what it measured.
type bench struct {
	tools       tools
	certificate string // of every registry, with its key
	scratch     string
	runs        int
	limit       time.Duration // of one run of one tool
	progress    io.Writer
	results     results
}

// slow is what a tool takes that is measured once.
const slow = 30 * time.Second

// run measures every tool of a work, all of them in turn and then again.
func (b *bench) run(ctx context.Context, w work) error {
	b.say("%s: %s\n", w.id, w.says)
	s, err := b.openSite(ctx, w)
	defer s.close()
	if err != nil {
		return fmt.Errorf("setting up %s: %w", w.id, err)
	}
	runs := b.runs
	if w.runs > 0 {
		runs = min(runs, w.runs)
	}
	measured := map[string][]measurement{}
	for range runs {
		for _, t := range w.tools {
			if before := measured[t.name]; len(before) > 0 && before[0].wall > slow {
				continue
			}
			m, err := b.measure(ctx, s, w, t)
			if err != nil {
				return fmt.Errorf("measuring %s in %s: %w", t.name, w.id, err)
			}
			b.say("  %-16s %7.2f s  %s\n", t.name, m.wall.Seconds(), brief(m.err))
			measured[t.name] = append(measured[t.name], m)
		}
	}
	b.results[w.id] = map[string]measurement{}
	for name, all := range measured {
		b.results[w.id][name] = median(all)
	}
	return nil
}

// measure lets a tool do the work once. An error is the benchmark's; the
// tool's own is in the measurement.
func (b *bench) measure(ctx context.Context, s *site, w work, t tool) (m measurement, err error) {
	directory, err := os.MkdirTemp(b.scratch, "run-")
	if err != nil {
		return m, fmt.Errorf("making a directory: %w", err)
	}
	defer remove(directory)
	var hosts []string
	for _, r := range s.all() {
		hosts = append(hosts, r.Far)
	}
	environment, err := home(filepath.Join(directory, "home"), b.certificate, hosts)
	if err != nil {
		return m, err
	}
	if err := s.prepare(ctx, w); err != nil {
		return m, err
	}
	limited, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	if w.primed {
		if first := t.run(limited, w.task(s, directory), environment); first.err != nil {
			return first, ctx.Err()
		}
	}
	if err := s.reset(ctx); err != nil {
		return m, err
	}
	before, err := s.processor(ctx)
	if err != nil {
		return m, err
	}
	k := w.task(s, directory)
	m = t.run(limited, k, environment)
	if s.signatures != nil {
		m.unsigned = s.signatures.missing(k.lookaside())
	}
	for _, r := range w.repositories {
		m.tags += len(r.images)
	}
	if ctx.Err() != nil {
		return m, ctx.Err()
	}
	if m.source, m.destination, err = s.counts(ctx); err != nil {
		return m, err
	}
	after, err := s.processor(ctx)
	m.fronts = after - before
	return m, err
}

// say tells what is being done; that nobody can read it is no failure.
func (b *bench) say(format string, values ...any) {
	_, _ = fmt.Fprintf(b.progress, format, values...)
}

// remove gives a directory back; the system clears what cannot be removed now.
func remove(directory string) { _ = os.RemoveAll(directory) }

func brief(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
