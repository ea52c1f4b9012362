package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
)

// shell runs command lines and shows them as they would be typed.
type shell struct {
	out io.Writer
	dir string // where they run; empty: here
	env []string
}

// run shows the line, runs it and shows what it prints.
func (s shell) run(ctx context.Context, line string) error {
	if _, err := fmt.Fprintf(s.out, "$ %s\n", line); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Dir, command.Env = s.dir, s.env
	command.Stdout, command.Stderr = s.out, s.out
	if err := command.Run(); err != nil {
		return fmt.Errorf("running %q: %w", line, err)
	}
	return nil
}
