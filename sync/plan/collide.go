package plan

import (
	"fmt"

	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/report"
)

// refuseCollisions keeps what is asked for twice once, and fails all steps that
// want different images under one destination reference, before anything is
// written. Nothing but their names counts, whatever a comparison has found: that
// two tags are the same image today says nothing of tomorrow.
func refuseCollisions(steps []*Step) []*Step {
	first := make(map[string]*Step, len(steps))
	same := map[*Step]*Step{} // what is asked for again, and the step that does it
	kept := steps[:0:0]
	for _, step := range steps {
		destination := step.Result.Destination
		if step.to == nil { // there is no such destination
			kept = append(kept, step)
			continue
		}
		other, taken := first[destination]
		switch {
		case !taken:
			first[destination] = step
			kept = append(kept, step)
		case sameSource(other, step) && sameSelection(other, step):
			same[step] = other
			other.Referrers = other.Referrers || step.Referrers
		default:
			collide(other, step)
			collide(step, other)
			kept = append(kept, step)
		}
	}
	for _, step := range kept {
		if done := same[step.Needs]; done != nil {
			step.Needs = done
		}
	}
	return kept
}

// sameSource reports whether both want the same image, by one name or, from
// wherever, by its digest. An index that was made here has no one source.
func sameSource(a, b *Step) bool {
	if a.written() != "" || b.written() != "" {
		return a.written() == b.written()
	}
	return a.Result.Source == b.Result.Source || a.named() != "" && a.named() == b.named()
}

func sameSelection(a, b *Step) bool {
	return a.pin == b.pin && sameSystem(a.Selection.System, b.Selection.System) && a.Selection.AllowMissing == b.Selection.AllowMissing &&
		fmt.Sprint(a.Selection.Platforms) == fmt.Sprint(b.Selection.Platforms)
}

// sameSystem reports whether both choose the same instance of an index.
func sameSystem(a, b *types.SystemContext) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.OSChoice == b.OSChoice && a.ArchitectureChoice == b.ArchitectureChoice && a.VariantChoice == b.VariantChoice
}

func collide(step, other *Step) {
	if step.collides {
		return
	}
	step.collides, step.barred = true, true
	r := &step.Result // what was found of it is of no use
	*r = report.Result{Action: r.Action, Source: r.Source, Destination: r.Destination}
	step.Fail(step.atDestination(fault.WithRemedy(fault.Conflict,
		fmt.Errorf("%s would be written here as well", other.Result.Source), untangling(step, other))))
}

// untangling is what helps two steps that collide. Those of one repository do
// so by a further tag, which no other path tells apart.
func untangling(a, b *Step) string {
	if sameRepository(a.Source, b.Source) {
		return "choose another further tag under tags:"
	}
	return "keep more of the path with --dest-path path or full (--scoped), or name it with destination:"
}
