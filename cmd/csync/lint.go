package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"csync/sync/spec"
)

// newLint makes the verb that reads input files and nothing else.
func newLint() *cobra.Command {
	c := newVerb("lint FILE...", "check input files without a network, every mistake at once",
		"csync lint images.yaml")
	c.ValidArgsFunction = nil // files
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError("lint", "FILE is missing")
		}
		return lint(args, streamsOf(c))
	}
	return c
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
		return spec.Lint("standard input", io.in)
	}
	return spec.LintPath(name)
}
