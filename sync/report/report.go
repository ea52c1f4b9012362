package report

import (
	"maps"
	"slices"
	"time"
)

// schema names the shape of the JSON report. Fields may be added to it, never
// renamed.
const schema = "csync.report/1"

// Report is a whole run. Make it with [New] and complete it with
// [Report.Finish]; the fields are in the order in which they are written.
type Report struct {
	Schema     string    `json:"schema"`
	Version    string    `json:"version"`
	Verb       string    `json:"verb"`
	DryRun     bool      `json:"dry_run"`
	Changed    bool      `json:"changed"`  // something is done, or planned in a dry run
	Started    time.Time `json:"started"`  // UTC, to the millisecond
	Finished   time.Time `json:"finished"` // as Started
	DurationMS int64     `json:"duration_ms"`
	Summary    Summary   `json:"summary"`
	Results    []Result  `json:"results"`
}

// New begins the report of a run of the given verb.
func New(verb, version string, dryRun bool, started time.Time) *Report {
	return &Report{
		Schema:  schema,
		Version: version,
		Verb:    verb,
		DryRun:  dryRun,
		Started: started,
		Summary: Summary{Requests: map[string]int64{}},
		Results: []Result{},
	}
}

// Finish completes the report with the results, in any order, and the number of
// requests sent to each host. It leaves the slice and the map to the caller.
func (r *Report) Finish(results []Result, requests map[string]int64, finished time.Time) {
	r.DurationMS = finished.Sub(r.Started).Milliseconds()
	r.Started = r.Started.UTC().Truncate(time.Millisecond)
	r.Finished = finished.UTC().Truncate(time.Millisecond)
	r.Results = append(r.Results, results...)
	slices.SortStableFunc(r.Results, compare)
	r.Summary = summarize(r.Results)
	maps.Copy(r.Summary.Requests, requests)
	r.Changed = r.Summary.done() > 0 || r.DryRun && r.Summary.Planned > 0
}

// Failed reports whether something that was asked for is not in place: a step
// failed or was rolled back.
func (r *Report) Failed() bool { return r.Summary.Failed > 0 || r.Summary.RolledBack > 0 }
