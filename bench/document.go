package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
	"time"
)

//go:embed performance.md.tmpl
var page string

// document is docs/performance.md, and the plot beside it.
type document struct {
	rows      []row
	results   results
	versions  string
	roundTrip time.Duration
	runs      int
	inFlight  int
	limit     time.Duration
}

// write replaces performance.md and performance.svg in directory.
func (d document) write(directory string) error {
	parsed, err := template.New("performance.md").Parse(page)
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	var text strings.Builder
	goals := reached(d.rows, d.results)
	err = parsed.Execute(&text, map[string]any{
		"Date": time.Now().UTC().Format(time.DateOnly), "Machine": machine(), "Versions": d.versions,
		"RoundTrip": d.roundTrip, "Runs": d.runs, "InFlight": d.inFlight, "Slow": slow, "Limit": d.limit, "Works": d.works(),
		"Table": markdown(tableHead, table(d.rows, d.results)),
		"Goals": markdown(goalsHead, goals), "Missed": missed(goals),
	})
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := os.WriteFile(filepath.Join(directory, "performance.md"), []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	if err := os.WriteFile(filepath.Join(directory, "performance.svg"), []byte(plot(d.results)), 0o644); err != nil {
		return fmt.Errorf("writing the plot: %w", err)
	}
	return nil
}

func (d document) works() string {
	var lines []string
	for _, row := range d.rows {
		for _, w := range row.works {
			lines = append(lines, "- **"+w.id+"**: "+w.says)
		}
	}
	return strings.Join(lines, "\n")
}

func missed(goals [][]string) (lines []string) {
	for _, g := range goals {
		if g[4] != "yes" {
			lines = append(lines, fmt.Sprintf("%s: %s: %s, wanted at most %s", g[0], g[1], g[3], g[2]))
		}
	}
	return lines
}

func markdown(head []string, lines [][]string) string {
	var b strings.Builder
	rule := strings.Repeat("|---", len(head)) + "|"
	fmt.Fprintf(&b, "| %s |\n%s\n", strings.Join(head, " | "), rule)
	for _, line := range lines {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
	}
	return b.String()
}

// machine says what matters of it, and nothing that names it.
func machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // an empty one says as much
	version, _, _ := strings.Cut(strings.TrimSpace(string(kernel)), "-")
	var kilobytes int64
	memory, _ := os.ReadFile("/proc/meminfo")
	_, _ = fmt.Sscanf(string(memory), "MemTotal: %d kB", &kilobytes)
	return fmt.Sprintf("%d cores, %d GB of memory, Linux %s, %s",
		runtime.NumCPU(), (kilobytes+1<<19)>>20, version, runtime.Version())
}
