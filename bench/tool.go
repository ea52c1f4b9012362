package main

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"csync/bench/front"
)

// task is what a tool is asked to do.
type task struct {
	work
	source       string   // HOST:PORT
	destinations []string // HOST:PORT each
	directory    string   // for files, and the tool's home
	signatures   *signatures
}

// tool is a program under test, set up in one way.
type tool struct {
	name string
	// commands does the task, parallel of them at the same time.
	commands func(task) (commands [][]string, err error)
	parallel int
}

// measurement is one run of a tool, or the median of several.
type measurement struct {
	wall, cpu           time.Duration
	memory              int64         // peak resident bytes, of processes at the same time in sum
	fronts              time.Duration // CPU of the registries' processes
	source, destination front.Counts
	spread, cpuSpread   float64 // (most - least) / median, of wall and cpu
	runs, tags          int
	unsigned            int // signatures that the destination lacks
	err                 error
}

// run does the task once.
func (t tool) run(ctx context.Context, k task, environment []string) (m measurement) {
	commands, err := t.commands(k)
	if err != nil {
		return measurement{err: err}
	}
	used := make([]usage, len(commands))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(t.parallel)
	started := time.Now()
	for i, arguments := range commands {
		group.Go(func() (err error) {
			used[i], err = execute(ctx, arguments, k.directory, environment)
			return err
		})
	}
	m.err = group.Wait()
	m.wall = time.Since(started)
	m.runs = 1
	var peaks []int64
	for _, u := range used {
		m.cpu += u.cpu
		peaks = append(peaks, u.memory)
	}
	slices.Sort(peaks)
	for _, peak := range peaks[max(0, len(peaks)-t.parallel):] {
		m.memory += peak
	}
	return m
}

// median is the run in the middle by time, with the CPU time in the middle; failed
// runs come last.
func median(runs []measurement) measurement {
	slices.SortStableFunc(runs, func(a, b measurement) int {
		if (a.err == nil) != (b.err == nil) {
			if a.err == nil {
				return -1
			}
			return 1
		}
		return int(a.wall - b.wall)
	})
	last := runs[len(runs)-1]
	if last.err != nil {
		return last
	}
	m := runs[(len(runs)-1)/2]
	m.runs = len(runs)
	m.spread = float64(last.wall-runs[0].wall) / float64(m.wall)
	used := make([]time.Duration, len(runs))
	for i, run := range runs {
		used[i] = run.cpu
	}
	slices.Sort(used)
	if m.cpu = used[(len(used)-1)/2]; m.cpu > 0 {
		m.cpuSpread = float64(used[len(used)-1]-used[0]) / float64(m.cpu)
	}
	return m
}
