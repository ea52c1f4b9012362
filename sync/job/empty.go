package job

import (
	"errors"
	"slices"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/report"
)

// errEmpty says that nothing is wanted: by an empty file or directory, or because
// nothing was chosen.
var errEmpty = errors.New("the source names no images")

// checkEmpty warns of a plan without any image, or refuses it.
func (j *job) checkEmpty(p *plan.Plan) error {
	wanted := func(step *plan.Step) bool { return named(step) || step.Result.Status == report.Failed }
	switch {
	case slices.ContainsFunc(p.Steps, wanted):
	case j.RequireImages:
		return fault.New(fault.Input, errEmpty)
	case !j.skopeo: // which has warnings of skopeo's
		j.logger.Warn(errEmpty)
	}
	return nil
}
