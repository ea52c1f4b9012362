package promote

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/report"
)

// askGate asks the gate about every digest that a label is to name, each once. A
// label that is refused has failed, of kind policy.
func (p *promotion) askGate(ctx context.Context) {
	if len(p.Gate.Command) == 0 {
		return
	}
	asked := map[digest.Digest][]*plan.Step{}
	for _, step := range p.labels {
		if step.ToDo() {
			asked[step.Wanted] = append(asked[step.Wanted], step)
		}
	}
	var group errgroup.Group
	group.SetLimit(max(p.Run.Jobs, 1))
	for d, steps := range asked {
		group.Go(func() error {
			answer, err := p.askAbout(ctx, steps[0], d)
			for _, step := range steps {
				step.Result.Gate = answer
				if err != nil {
					step.Fail(fault.At(fault.Destination, step.Result.Destination, err))
				}
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
}

// repositoryName is what a gate calls the repository of a location.
func repositoryName(l image.Location) string {
	if named := l.Reference.DockerReference(); named != nil {
		return reference.TrimNamed(named).String()
	}
	there, _ := l.Shelf()
	return strings.TrimSuffix(l.String(), ":"+there.Identifier)
}

// maxGateOutput is how many bytes of a gate's output are kept: its last.
const maxGateOutput = 16 << 10

// askAbout runs the gate for a digest, as it is at the destination of a step.
func (p *promotion) askAbout(run context.Context, step *plan.Step, d digest.Digest) (*report.Gate, error) {
	named := repositoryName(step.Destination)
	command := make([]string, len(p.Gate.Command))
	for i, argument := range p.Gate.Command {
		command[i] = strings.NewReplacer("{reference}", named+"@"+d.String(), "{digest}", d.String(), "{repository}", named).Replace(argument)
	}
	ctx, cancel := context.WithTimeoutCause(run, p.Gate.Timeout, fmt.Errorf("it did not answer within %s", p.Gate.Timeout))
	defer cancel()
	gate := exec.CommandContext(ctx, command[0], command[1:]...) // which the promotion file names
	gate.WaitDelay = time.Second                                 // for what it has started itself
	output := &tail{limit: maxGateOutput}
	gate.Stdout, gate.Stderr = output, output
	err := gate.Run()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	answer := &report.Gate{Command: command, Passed: err == nil, Output: output.String()}
	var refused *exec.ExitError
	switch {
	case err == nil:
		return answer, nil
	case run.Err() != nil:
		return answer, fault.New(fault.Cancelled, fmt.Errorf("interrupted before the gate %s had answered", command[0]))
	case errors.As(err, &refused):
		err = fmt.Errorf("%w: %s", err, lastLine(answer.Output))
	}
	return answer, fault.New(fault.Policy, fmt.Errorf("the gate %s refuses %s: %w", command[0], d, err))
}

// tail keeps the last bytes of what is written.
type tail struct {
	limit int
	kept  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if excess := len(t.kept) - t.limit; excess > 0 {
		t.kept = append(t.kept[:0], t.kept[excess:]...)
	}
	return len(b), nil
}

func (t *tail) String() string { return strings.ToValidUTF8(string(t.kept), "?") }

func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return lines[len(lines)-1]
}
