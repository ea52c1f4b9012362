package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// usage is what a process took.
type usage struct {
	cpu    time.Duration
	memory int64 // peak resident bytes
}

// execute runs a command, and says what it printed where it fails.
func execute(ctx context.Context, arguments []string, directory string, environment []string) (usage, error) {
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Dir, command.Env = directory, environment
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	name := filepath.Base(arguments[0])
	if err := command.Start(); err != nil {
		return usage{}, fmt.Errorf("starting %s: %w", name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	memory, err := watch(command.Process.Pid, ended)
	used := usage{processorTime(command.ProcessState.SysUsage().(*syscall.Rusage)), memory}
	if err == nil {
		return used, nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = ctx.Err()
	}
	said := strings.TrimSpace(output.String())
	return used, fmt.Errorf("running %s: %w: %s", name, err, said[max(0, len(said)-600):])
}

// watch follows a process's peak memory until it has ended. The peak that
// getrusage(2) knows is no use: it includes that of this program, of which the
// process was a copy before it became another one.
func watch(pid int, ended <-chan error) (peak int64, err error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return peak, err
		case <-tick.C:
			peak = max(peak, peakResident(pid))
		}
	}
}

// peakResident is VmHWM of proc_pid_status(5) in bytes, 0 for a process that
// has ended.
func peakResident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	_, _ = fmt.Sscanf(rest, "%d kB", &kilobytes)
	return kilobytes << 10
}
