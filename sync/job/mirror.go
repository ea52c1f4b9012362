package job

import (
	"context"
	"fmt"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/prune"
	"csync/sync/report"
)

// defaultLimit lets a mirror lose half of each repository. One that always keeps
// as many tags never loses more, however many are new.
const defaultLimit = "50%"

// mirror removes from the destinations what the sources have lost, where the
// source file wants that and everything else has been done there.
func (j *job) mirror(ctx context.Context, p *plan.Plan) []report.Result {
	var cuts []prune.Cut
	for _, h := range p.Holdings {
		if !h.Mirror || plan.Reported(h.Err) {
			continue
		}
		cut := j.cutOf(h, "")
		cut.Idle = cut.Idle || fault.Is(cut.Err, fault.Unsupported) // a file may be for several kinds of places
		if cut.Err == nil {
			cut.Err = unfinished(h, p)
			cut.Idle = cut.Err != nil
		}
		cut.Verdict = func(tag string) prune.Verdict {
			switch {
			case h.Tags[tag]:
				return prune.Keep
			case h.Chooses(tag):
				return prune.Drop
			}
			return prune.Leave
		}
		cuts = append(cuts, cut)
	}
	if len(cuts) == 0 || j.Verb == Verify {
		return nil
	}
	return prune.Job{Cuts: cuts, Limit: j.limit(), DryRun: j.readOnly(), Jobs: j.Jobs}.Run(ctx)
}

func (j *job) limit() prune.Limit {
	if j.MaxDelete != (prune.Limit{}) {
		return j.MaxDelete
	}
	limit, err := prune.ParseLimit(defaultLimit)
	if err != nil {
		panic(err) // it is a constant
	}
	return limit
}

// unfinished says why nothing is removed of a repository: something in it has
// failed.
func unfinished(h plan.Holding, p *plan.Plan) error {
	for _, step := range p.Steps {
		if step.Result.Status == report.Failed && h.Touches(step) {
			return fmt.Errorf("nothing is deleted, because %s failed", step.Result.Destination)
		}
	}
	return nil
}
