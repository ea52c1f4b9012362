package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"csync/bench/front"
)

var tableHead = []string{
	"row", "tool", "seconds", "of best peer", "requests", "connections", "in flight", "MB", "CPU s", "memory MB",
}

// table is a line for each tool in each work; pairs are source and destination.
func table(rows []row, r results) [][]string {
	var lines [][]string
	for _, row := range rows {
		for _, w := range row.works {
			for _, t := range w.tools {
				if m, found := r[w.id][t.name]; found {
					lines = append(lines, append([]string{w.id, t.name}, cells(r, w, m)...))
				}
			}
		}
	}
	return lines
}

func cells(r results, w work, m measurement) []string {
	if errors.Is(m.err, context.DeadlineExceeded) {
		return []string{fmt.Sprintf("> %.0f", m.wall.Seconds()), "", "", "", "", "", "", ""}
	}
	if m.err != nil {
		return []string{"failed", "", "", "", "", "", "", ""}
	}
	ratio := ""
	if peer, found := r.best(w.id, wall); found {
		ratio = fmt.Sprintf("%.2f", wall(m)/wall(peer))
	}
	pair := func(format string, of func(front.Counts) any) string {
		if w.promotion {
			return fmt.Sprintf(format, of(m.source))
		}
		return fmt.Sprintf(format+" / "+format, of(m.source), of(m.destination))
	}
	return []string{
		fmt.Sprintf("%.2f", wall(m)), ratio,
		pair("%d", func(c front.Counts) any { return c.Total() }),
		pair("%d", func(c front.Counts) any { return c.Connections }),
		pair("%d", func(c front.Counts) any { return c.InFlight }),
		pair("%.1f", func(c front.Counts) any { return float64(c.BytesRead+c.BytesWritten) / 1e6 }),
		fmt.Sprintf("%.2f", processor(m)), fmt.Sprintf("%.0f", float64(m.memory)/1e6),
	}
}

var goalsHead = []string{"work", "figure", "at most", "measured", "reached"}

// reached is a line for each goal.
func reached(rows []row, r results) [][]string {
	var lines [][]string
	for _, row := range rows {
		for _, g := range row.goals {
			value, known := g.value(r)
			measured, verdict := number(value), "yes"
			switch {
			case !known:
				measured, verdict = "-", "not measured"
			case value > g.limit:
				verdict = "no"
			}
			lines = append(lines, []string{g.work, g.says, number(g.limit), measured, verdict})
		}
	}
	return lines
}

// number has as many decimals as it needs.
func number(value float64) string {
	if value >= 100 || value == float64(int64(value)) {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

func printTable(w io.Writer, rows []row, r results) {
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range append([][]string{tableHead}, table(rows, r)...) {
		fmt.Fprintln(tabs, strings.Join(line, "\t"))
	}
	fmt.Fprintln(tabs)
	for _, line := range append([][]string{goalsHead}, reached(rows, r)...) {
		fmt.Fprintln(tabs, strings.Join(line, "\t"))
	}
	tabs.Flush()
}

// printKinds shows what csync's requests are for, and whether it waited for the
// registries.
func printKinds(w io.Writer, rows []row, r results) {
	for _, row := range rows {
		for _, k := range row.works {
			m := r[k.id][csyncName]
			_, _ = fmt.Fprintf(w, "\n%s, source: %s\n%s, destination: %s\n%s, CPU: %.2f s csync, %.2f s registries\n",
				k.id, kindList(m.source), k.id, kindList(m.destination), k.id, processor(m), m.fronts.Seconds())
		}
	}
}

func kindList(c front.Counts) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(c.Requests)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, c.Requests[kind]))
	}
	return strings.Join(parts, ", ")
}
