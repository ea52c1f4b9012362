package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/report"
)

// Job is what is to be deleted, and how carefully.
type Job struct {
	Cuts []Cut
	// Limit stops the job before anything is deleted.
	Limit Limit
	// KeepDigests stops it where digests would be lost.
	KeepDigests bool
	// DryRun says what would be deleted.
	DryRun bool
	// Jobs bounds the requests under way; at least 1.
	Jobs int
}

// Cut is what is to become of one shelf.
type Cut struct {
	Shelf
	Name string // of the shelf, as users write it
	Choice
	// Named are tags and digests that have a result whether or not they are there.
	Named []string
	// Err is why nothing of it may be deleted; nil mostly.
	Err error
	// Idle says that Err is no failure.
	Idle bool
}

// Run does the job and returns its results, in the order of the shelves.
func (j Job) Run(ctx context.Context) []report.Result {
	plans := make([]*plan, len(j.Cuts))
	j.each(func(i int) { plans[i] = newPlan(ctx, j.Cuts[i], j.Jobs) })
	if err := j.check(plans); err != nil {
		for _, p := range plans {
			p.refuse(err)
		}
	}
	j.each(func(i int) {
		switch p := plans[i]; {
		case ctx.Err() != nil:
			p.refuse(fault.New(fault.Cancelled, errors.New("interrupted before it was deleted")))
		case j.DryRun:
			p.plan()
		default:
			p.carryOut(ctx)
		}
	})
	var results []report.Result
	for _, p := range plans {
		results = append(results, p.results()...)
	}
	return results
}

// each does something for every cut, several at the same time.
func (j Job) each(do func(i int)) {
	var group errgroup.Group
	group.SetLimit(max(j.Jobs, 1))
	for i := range j.Cuts {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
}

// check says why nothing may be deleted at all.
func (j Job) check(plans []*plan) error {
	var losses []loss
	var lost []string
	for _, p := range plans {
		losses = append(losses, loss{p.cut.Name, len(p.decision.Tags), p.tags})
		for _, sum := range p.decision.Lost {
			lost = append(lost, p.cut.Reference(sum.String()))
		}
	}
	if j.KeepDigests && len(lost) > 0 {
		slices.Sort(lost)
		return fault.WithRemedy(fault.Policy, fmt.Errorf("nothing is deleted, because nothing would name any more: %s", strings.Join(lost, ", ")),
			"if they may be lost, give --remove-last")
	}
	return j.Limit.check(losses)
}
