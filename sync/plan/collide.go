package plan

import (
	"fmt"

	"csync/sync/fault"
)

// refuseCollisions keeps what is asked for twice once, and fails all steps that
// want different images under one destination reference, before anything is
// written. Nothing but their names counts: that two tags are the same image
// today says nothing of tomorrow.
func refuseCollisions(steps []*Step) []*Step {
	first := make(map[string]*Step, len(steps))
	kept := steps[:0:0]
	for _, step := range steps {
		destination := step.Result.Destination
		if !step.ToDo() || destination == "" {
			kept = append(kept, step)
			continue
		}
		other, taken := first[destination]
		switch {
		case !taken:
			first[destination] = step
			kept = append(kept, step)
		case other.Result.Source == step.Result.Source && sameSelection(other, step):
			// the same image twice
		default:
			collide(other, step)
			collide(step, other)
			kept = append(kept, step)
		}
	}
	return kept
}

func sameSelection(a, b *Step) bool {
	return fmt.Sprint(a.Selection.Platforms, a.pin) == fmt.Sprint(b.Selection.Platforms, b.pin)
}

func collide(step, other *Step) {
	if !step.ToDo() {
		return
	}
	step.Fail(step.atDestination(fault.WithRemedy(fault.Conflict,
		fmt.Errorf("%s would be written here as well", other.Result.Source),
		"keep more of the path with --dest-path path or full, or name it with destination:")))
}
