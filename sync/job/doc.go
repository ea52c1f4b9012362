// Package job is one run from options to report: it opens the places, plans,
// carries the plan out and completes what was written. The command calls it, and
// so can whatever else starts runs; it has no globals, so that several may go on
// at the same time.
//
// [Run] is csync's own form, [RunSkopeo] that of skopeo sync. Errors say in the
// words of the command line what kept a run from being attempted; what fails
// later is in the report.
package job
