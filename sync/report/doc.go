// Package report says what became of a run: a [Result] for everything that was
// asked for, and a [Report] of all results with their summary.
//
// A run makes a report with [New], hands its results to [Report.Finish] once,
// and writes it: as JSON for programs, as a table for a terminal, as a page for
// a browser. docs/report.md says what each field promises.
package report
