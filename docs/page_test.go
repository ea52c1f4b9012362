package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is a Markdown file with its fenced blocks.
type page struct {
	path   string
	lines  []string
	blocks []block
}

// block is what stands between two fences.
type block struct {
	language   string
	start, end int // of its lines in the page
}

// pages are the README and everything in docs.
func pages(t *testing.T) []*page {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	require.NoError(t, err)
	var all []*page
	for _, path := range append(paths, "../README.md") {
		all = append(all, readPage(t, path))
	}
	return all
}

func readPage(t *testing.T, path string) *page {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	p := &page{path: path, lines: strings.Split(string(content), "\n")}
	open := false
	for i, line := range p.lines {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !open:
			open = true
			p.blocks = append(p.blocks, block{language: language, start: i + 1})
		case fence:
			open = false
			p.blocks[len(p.blocks)-1].end = i
		}
	}
	require.False(t, open, "%s: a block is not closed", path)
	return p
}

func (p *page) text(b block) []string { return p.lines[b.start:b.end] }

// replace puts other lines into a block, the last of the page not yet replaced.
func (p *page) replace(b block, lines []string) {
	p.lines = append(p.lines[:b.start:b.start], append(lines, p.lines[b.end:]...)...)
}

// command is a line of a console block that is typed, and what it prints.
type command struct {
	typed  []string // more than one if they end with a backslash
	prints []string
}

func (c command) line() string { return strings.TrimPrefix(strings.Join(c.typed, "\n"), "$ ") }

// commands are those of a console block.
func commands(lines []string) []command {
	var all []command
	typing := false
	for _, line := range lines {
		if strings.HasPrefix(line, "$ ") {
			all = append(all, command{})
			typing = true
		}
		last := &all[len(all)-1]
		if typing {
			last.typed = append(last.typed, line)
			typing = strings.HasSuffix(line, `\`)
			continue
		}
		last.prints = append(last.prints, line)
	}
	return all
}
