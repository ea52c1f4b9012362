package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// examplePath is the README's example: the command in its first line, as a
// comment, then the source file.
const examplePath = "docs/examples/images.yaml"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "csync-demo:", err)
		os.Exit(1)
	}
}

// run builds what the demo needs, then gives the demo.
func run(ctx context.Context) error {
	example, err := os.ReadFile(examplePath)
	if err != nil {
		return fmt.Errorf("reading the example: %w (the demo runs from the root of the module)", err)
	}
	scratch, err := os.MkdirTemp("", "csync-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // it is below the system's own

	fmt.Println("== csync, for this machine and for the images")
	root := shell{out: os.Stdout, env: os.Environ()}
	if err := root.run(ctx, "make --no-print-directory build"); err != nil {
		return err
	}
	layers, err := buildLayers(ctx, root, scratch)
	if err != nil {
		return err
	}
	program, err := filepath.Abs("bin")
	if err != nil {
		return err
	}
	return show(ctx, stage{out: os.Stdout, programs: program, scratch: scratch, example: string(example), stock: stock{layers}})
}
