package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"csync/sync/spec"
)

// newLint makes the verb that reads input files and nothing else.
func newLint() *verb {
	v := &verb{
		name: "lint", does: "check input files without a network, every mistake at once",
		usage:   "lint FILE...",
		example: "csync lint images.yaml",
		flags:   pflag.NewFlagSet("lint", pflag.ContinueOnError),
	}
	v.run = func(_ context.Context, args []string, io streams) error {
		if len(args) == 0 {
			return usageError("lint", "FILE is missing")
		}
		return lint(args, io)
	}
	return v
}

// lint prints the mistakes of all files on standard output, for editors and
// review tools to read.
func lint(files []string, io streams) error {
	wrong := false
	for _, name := range files {
		err := lintFile(name, io)
		var problems spec.Problems
		switch {
		case errors.As(err, &problems):
			wrong = true
			if _, err := fmt.Fprintln(io.out, problems.Error()); err != nil {
				return fmt.Errorf("writing result: %w", err)
			}
		case err != nil:
			return err
		}
	}
	if wrong {
		return &exitError{code: exitNoRun}
	}
	return nil
}

func lintFile(name string, io streams) error {
	if name == "-" {
		_, err := spec.Load("standard input", io.in, spec.Strict)
		return err
	}
	_, err := spec.LoadPath(name, spec.Strict)
	return err
}
