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

// run measures every tool of a work, all of them in turn and then again.
func (b *bench) run(ctx context.Context, w work) error {
	fmt.Fprintf(b.progress, "%s: %s\n", w.id, w.says)
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
			m, err := b.measure(ctx, s, w, t)
			if err != nil {
				return fmt.Errorf("measuring %s in %s: %w", t.name, w.id, err)
			}
			fmt.Fprintf(b.progress, "  %-16s %7.2f s  %s\n", t.name, m.wall.Seconds(), brief(m.err))
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
	defer os.RemoveAll(directory)
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
	m = t.run(limited, w.task(s, directory), environment)
	for _, r := range w.repositories {
		m.tags += len(r.images)
	}
	if ctx.Err() != nil {
		return m, ctx.Err()
	}
	m.source, m.destination, err = s.counts(ctx)
	return m, err
}

func brief(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
