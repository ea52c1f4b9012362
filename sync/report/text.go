package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the report for a terminal: a table of all results, then the
// failures with their whole messages, the reasons of what was skipped or
// converted, and one line that sums up.
func (r *Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	r.writeTable(out)
	for i := range r.Results {
		if r.Results[i].Error != nil {
			writeFailure(out, &r.Results[i])
		}
	}
	r.writeReasons(out)
	fmt.Fprintln(out, r.sentence())
	return out.Flush() // the first error of all writes
}

func (r *Report) writeTable(out *bufio.Writer) {
	if len(r.Results) == 0 {
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACTION\tSTATUS\tDESTINATION\tDIGEST\tWRITTEN\tTIME")
	for i := range r.Results {
		result := &r.Results[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			result.Action, result.Status,
			cmp.Or(plain(result.Destination), plain(result.Source), "-"),
			cmp.Or(short(result.shown()), "-"),
			Size(result.BytesWritten), duration(result.DurationMS))
	}
	table.Flush()
	fmt.Fprintln(out)
}

func writeFailure(out *bufio.Writer, result *Result) {
	fmt.Fprintf(out, "%s: %s %s\n", result.Status, result.Action,
		cmp.Or(plain(result.Destination), plain(result.Source)))
	if result.Source != "" && result.Destination != "" {
		fmt.Fprintf(out, "    source %s\n", plain(result.Source))
	}
	fmt.Fprintf(out, "    %s:\n", result.Error.where())
	for _, line := range lines(result.Error.Message) {
		fmt.Fprintf(out, "    %s\n", line)
	}
	fmt.Fprintln(out)
}

// writeReasons says why results are what they are that need no doing.
func (r *Report) writeReasons(out *bufio.Writer) {
	given := false
	for i := range r.Results {
		if result := &r.Results[i]; result.Reason != "" {
			fmt.Fprintf(out, "%s: %s: %s\n", result.Status, cmp.Or(plain(result.Destination), plain(result.Source)), plain(result.Reason))
			given = true
		}
	}
	if given {
		fmt.Fprintln(out)
	}
}

// sentence is the summary: "3 in all: 1 failed, 2 copied; 5.0 MB read, …".
func (r *Report) sentence() string {
	var counts []string
	for _, c := range r.Summary.counts() {
		counts = append(counts, fmt.Sprintf("%d %s", c.Value, c.Name))
	}
	all := fmt.Sprintf("%d in all", r.Summary.Total)
	if len(counts) > 0 {
		all += ": " + strings.Join(counts, ", ")
	}
	if r.DryRun {
		all = "dry run, " + all
	}
	return fmt.Sprintf("%s; %s read, %s written, %s reused in %s", all,
		Size(r.Summary.BytesRead), Size(r.Summary.BytesWritten), Size(r.Summary.BytesReused),
		duration(r.DurationMS))
}
