package report

import (
	"cmp"

	"csync/sync/fault"

	"github.com/opencontainers/go-digest"
)

// Action is what a step does to its destination.
type Action string

// The actions. A report has no others.
const (
	Copy     Action = "copy"     // the image with all its blobs
	Retag    Action = "retag"    // another tag for a manifest that is there, no blob moves
	Assemble Action = "assemble" // an index made of single images
	Merge    Action = "merge"    // an index joined with the one at the destination
	Delete   Action = "delete"
)

// Status is what became of a step.
type Status string

// The statuses. A report has no others.
const (
	Done       Status = "done"        // the destination was changed and is as asked
	Unchanged  Status = "unchanged"   // the destination was as asked already
	Planned    Status = "planned"     // a dry run would have done it
	Skipped    Status = "skipped"     // not to be done; Result.Reason says why
	Failed     Status = "failed"      // Result.Error says why
	RolledBack Status = "rolled-back" // done, then undone because another step failed
)

// Result is what became of one step: one destination reference and the state
// it was to reach. What could not be listed or planned has one as well.
type Result struct {
	Action         Action        `json:"action"`
	Status         Status        `json:"status"`
	Source         string        `json:"source"` // with its transport, "docker://q.io/a/b:1"; empty for a delete
	SourceDigest   digest.Digest `json:"source_digest,omitempty"`
	Destination    string        `json:"destination"` // as Source; empty if it was never known
	Digest         digest.Digest `json:"digest,omitempty"`
	PreviousDigest digest.Digest `json:"previous_digest,omitempty"` // what the tag named before it moved
	MediaType      string        `json:"media_type,omitempty"`
	Platforms      []string      `json:"platforms,omitempty"` // "linux/arm/v7"
	Verified       bool          `json:"verified"`            // Digest was seen at the destination in this run
	BytesRead      int64         `json:"bytes_read"`          // at the wire, from the source
	BytesWritten   int64         `json:"bytes_written"`       // at the wire, to the destination
	BytesReused    int64         `json:"bytes_reused"`        // there already, or mounted
	Attempts       int           `json:"attempts"`
	DurationMS     int64         `json:"duration_ms"`
	Reason         string        `json:"reason,omitempty"` // why it was skipped, or what was converted
	Gate           *Gate         `json:"gate,omitempty"`   // what was asked before a label moved
	Error          *Error        `json:"error,omitempty"`
}

// shown is the digest that tells people which image a result is about.
func (r *Result) shown() digest.Digest {
	if r.Action == Delete {
		return cmp.Or(r.Digest, r.PreviousDigest)
	}
	return r.Digest
}

// Gate is a program that was asked about an image, and its answer.
type Gate struct {
	Command []string `json:"command"`
	Passed  bool     `json:"passed"`
	Output  string   `json:"output,omitempty"` // the last 16 KiB of it
}

// Error is why a step failed.
type Error struct {
	Kind    fault.Kind `json:"kind"`
	Side    fault.Side `json:"side,omitempty"` // empty if no side is to blame
	Message string     `json:"message"`
}

// Failure is err in the words of a report. It returns nil for nil.
func Failure(err error) *Error {
	if err == nil {
		return nil
	}
	failure := &Error{Kind: fault.KindOf(err), Side: fault.SideOf(err), Message: err.Error()}
	if failure.Side == "" && failure.Kind == fault.Input {
		failure.Side = fault.InputSide
	}
	return failure
}

// compare orders results by destination, then action, then source.
func compare(a, b Result) int {
	return cmp.Or(
		cmp.Compare(a.Destination, b.Destination),
		cmp.Compare(a.Action, b.Action),
		cmp.Compare(a.Source, b.Source),
	)
}
