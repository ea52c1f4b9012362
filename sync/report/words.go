package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"csync/sync/fault"

	"github.com/opencontainers/go-digest"
)

// count is one figure of the summary, for people.
type count struct {
	Name  string
	Value int
}

// counts are the figures that are not zero, what needs attention first.
func (s Summary) counts() []count {
	all := []count{
		{"failed", s.Failed},
		{"rolled back", s.RolledBack},
		{"copied", s.Copied},
		{"retagged", s.Retagged},
		{"assembled", s.Assembled},
		{"merged", s.Merged},
		{"deleted", s.Deleted},
		{"planned", s.Planned},
		{"unchanged", s.Unchanged},
		{"skipped", s.Skipped},
	}
	var counts []count
	for _, c := range all {
		if c.Value != 0 {
			counts = append(counts, c)
		}
	}
	return counts
}

// Size is a number of bytes for people, in units of 1000: "999 B", "1.5 MB".
func Size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1000, 0
	for value >= 999.95 && unit < len("kMGTPE")-1 {
		value, unit = value/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[unit])
}

// duration is a number of milliseconds: "350ms", "1.2s", "2m3s".
func duration(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < time.Second:
		return d.String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// short is enough of a digest to recognize it: "sha256:0123456789ab".
func short(d digest.Digest) string {
	algorithm, _, found := strings.Cut(string(d), ":")
	if !found || len(d) <= len(algorithm)+13 {
		return plain(string(d))
	}
	return plain(algorithm + ":" + hex(d))
}

// hex is the same without the algorithm, where many stand beside each other.
func hex(d digest.Digest) string {
	_, hex, _ := strings.Cut(string(d), ":")
	return plain(hex[:min(12, len(hex))])
}

// plural is a number of things, "1 image" or "2 images".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// plain is text with everything escaped that could move a cursor, break a
// line or turn the direction of writing: names and messages come from
// registries.
func plain(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }

// lines are the lines of text, each made plain.
func lines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = plain(strings.TrimRight(lines[i], "\r"))
	}
	return lines
}

// where is the kind of a failure and, if it is one of a step, its side.
func (e *Error) where() string {
	if e.Side == "" || e.Side == fault.InputSide {
		return string(e.Kind)
	}
	return fmt.Sprintf("%s at %s", e.Kind, e.Side)
}
