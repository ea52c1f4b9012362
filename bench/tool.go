package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	memory              int64 // peak resident bytes, of processes at the same time in sum
	source, destination front.Counts
	spread              float64 // (slowest - fastest) / median
	runs, tags          int
	err                 error
}

// run does the task once.
func (t tool) run(ctx context.Context, k task, environment []string) (m measurement) {
	commands, err := t.commands(k)
	if err != nil {
		return measurement{err: err}
	}
	used := make([]syscall.Rusage, len(commands))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(t.parallel)
	started := time.Now()
	for i, arguments := range commands {
		group.Go(func() error {
			state, err := execute(ctx, arguments, k.directory, environment)
			if state != nil {
				used[i] = *state.SysUsage().(*syscall.Rusage)
			}
			return err
		})
	}
	m.err = group.Wait()
	m.wall = time.Since(started)
	m.runs = 1
	var peaks []int64
	for _, u := range used {
		m.cpu += processorTime(&u)
		peaks = append(peaks, u.Maxrss<<10)
	}
	slices.Sort(peaks)
	for _, peak := range peaks[max(0, len(peaks)-t.parallel):] {
		m.memory += peak
	}
	return m
}

func execute(ctx context.Context, arguments []string, directory string, environment []string) (*os.ProcessState, error) {
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Dir, command.Env = directory, environment
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	if err == nil {
		return command.ProcessState, nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = ctx.Err()
	}
	said := strings.TrimSpace(output.String())
	return command.ProcessState, fmt.Errorf("%s: %w: %s", filepath.Base(arguments[0]), err, said[max(0, len(said)-600):])
}

// median is the run in the middle by time; failed runs come last.
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
	return m
}

// home is an environment of a tool's own, without anybody's credentials or
// caches. Every registry has the same credentials, and the one certificate.
func home(directory, certificate string, registries []string) ([]string, error) {
	type login struct {
		Auth string `json:"auth"`
	}
	logins := map[string]login{}
	for _, r := range registries {
		logins[r] = login{"YmVuY2g6YmVuY2g="} // bench:bench
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fmt.Errorf("making a home: %w", err)
	}
	content := encode(map[string]any{"auths": logins})
	if err := os.WriteFile(filepath.Join(directory, "config.json"), content, 0o600); err != nil {
		return nil, fmt.Errorf("writing credentials: %w", err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + directory, "TMPDIR=" + directory,
		"XDG_RUNTIME_DIR=" + directory, "XDG_CACHE_HOME=" + directory, "XDG_CONFIG_HOME=" + directory,
		"DOCKER_CONFIG=" + directory, "REGISTRY_AUTH_FILE=" + filepath.Join(directory, "config.json"),
		"SSL_CERT_FILE=" + certificate,
	}, nil
}
