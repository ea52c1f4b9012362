// Command bench compares csync with its peers: it starts registries, puts a
// network before them, lets each tool do the same works, and prints what they
// took and what csync must reach. "bench registry" is the process of one
// registry.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "registry" {
		return serve(ctx, args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	csync := flags.String("csync", "../bin/csync", "csync's `program`")
	directory := flags.String("tools", "../bin/tools", "`directory` where peers are built")
	chosen := flags.String("rows", "", "`rows` and works to run, as A,B,G 3; all without")
	runs := flags.Int("runs", 3, "how often each tool does each work")
	roundTrip := flags.Duration("rtt", 50*time.Millisecond, "added `round trip`")
	inFlight := flags.Int("in-flight", 64, "`requests` at a registry at the same time")
	limit := flags.Duration("limit", 150*time.Second, "`time` that a tool has for a work")
	write := flags.String("write", "", "`directory` to write performance.md and performance.svg to")
	kinds := flags.Bool("kinds", false, "print csync's requests by kind")
	if err := flags.Parse(args); err != nil {
		return err
	}
	t, err := findTools(ctx, *csync, *directory)
	if err != nil {
		return err
	}
	t.inFlight = *inFlight
	b := &bench{tools: t, runs: *runs, limit: *limit, progress: os.Stderr, results: results{}}
	selected, err := choose(rows(t, *roundTrip), *chosen)
	if err != nil {
		return err
	}
	if err := b.all(ctx, selected); err != nil {
		return err
	}
	printTable(os.Stdout, selected, b.results)
	if *kinds {
		printKinds(os.Stdout, selected, b.results)
	}
	if *write == "" {
		return nil
	}
	return document{selected, b.results, t.versions(ctx), *roundTrip, *runs, *inFlight, *limit}.write(*write)
}

// choose keeps the rows and works whose names are listed.
func choose(all []row, list string) ([]row, error) {
	if list == "" {
		return all, nil
	}
	var chosen []row
	for _, name := range strings.Split(list, ",") {
		before := len(chosen)
		for _, r := range all {
			if r = r.only(name); len(r.works) > 0 {
				chosen = append(chosen, r)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("there is no row or work %q", name)
		}
	}
	return chosen, nil
}

// only is the row if that is its name, and else what it has of the work so named.
func (r row) only(name string) row {
	if r.name == name {
		return r
	}
	part := row{name: r.name}
	for _, w := range r.works {
		if w.id == name {
			part.works = append(part.works, w)
		}
	}
	for _, g := range r.goals {
		if g.work == name {
			part.goals = append(part.goals, g)
		}
	}
	return part
}

// all runs every work of the rows.
func (b *bench) all(ctx context.Context, rows []row) error {
	var err error
	if b.scratch, err = os.MkdirTemp("", "csync-bench-"); err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer remove(b.scratch)
	if b.certificate, err = writeCertificate(b.scratch); err != nil {
		return err
	}
	for _, r := range rows {
		for _, w := range r.works {
			if err := b.run(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}
