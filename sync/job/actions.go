package job

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/spec"
)

// actions are what a verb of one action is asked for: by its arguments, or by
// those on each line of the source file. No two write one tag.
type actions struct {
	*job
	form   string // of the arguments
	taken  map[string]spec.Word
	opened map[string]image.Place
}

// mistake is what is wrong with a word.
type mistake struct {
	word spec.Word
	error
}

// readActions has read take the words of each action, and tells everything that
// is wrong at once.
func readActions(j *job, arguments []string, form string, read func(*actions, []spec.Word) error) error {
	lines, err := j.lines(arguments)
	if err != nil {
		return err
	}
	a := &actions{job: j, form: form, taken: map[string]spec.Word{}, opened: map[string]image.Place{}}
	var problems spec.Problems
	for _, words := range lines {
		err := read(a, words)
		var wrong *mistake
		switch {
		case err == nil:
		case !errors.As(err, &wrong):
			return err
		case wrong.word.Line == 0:
			return j.usage("%w", wrong.error)
		default:
			problems = append(problems, spec.Problem{Position: wrong.word.Position, Text: wrong.Error()})
		}
	}
	if len(problems) > 0 {
		return fault.New(fault.Input, problems)
	}
	return nil
}

// lines are the words of every action.
func (o Options) lines(arguments []string) ([][]spec.Word, error) {
	switch {
	case o.SourceFile == "":
		return [][]spec.Word{spec.Words(arguments)}, nil
	case len(arguments) > 0:
		return nil, o.usage("%q: the file says what is to be done", arguments[0])
	case o.SourceFile == "-":
		return spec.LoadLines("standard input", o.Input)
	}
	return spec.LoadLinesPath(o.SourceFile)
}

// incomplete is the mistake of an action that has too few words, or too many.
func (a *actions) incomplete(words []spec.Word) error {
	var first spec.Word
	if len(words) > 0 {
		first = words[0]
	}
	return &mistake{first, fmt.Errorf("%s was meant", a.form)}
}

// written is an image in a registry that is written to.
type written struct {
	image.Location
	place image.Place
}

// reference is a reference of such an image.
func (a *actions) reference(w spec.Word, name string) (written, error) {
	host, inside, err := image.Inside(name)
	if err == nil && !strings.HasPrefix(host, "docker://") {
		err = fmt.Errorf("%q is in no registry", name)
	}
	if err == nil && a.opened[host] == nil {
		a.opened[host], err = a.openDestination(host)
	}
	if err != nil {
		return written{}, &mistake{w, err}
	}
	place := a.opened[host]
	location, err := place.Location(inside)
	if err != nil {
		return written{}, &mistake{w, err}
	}
	return written{location, place}, nil
}

// destination is a tag that the action writes.
func (a *actions) destination(w spec.Word) (written, error) {
	to, err := a.reference(w, w.Text)
	switch {
	case err != nil:
	case to.Digested() != "":
		err = &mistake{w, fmt.Errorf("%q names no tag, which is what is written", w.Text)}
	default:
		err = a.take(w, to.Location)
	}
	return to, err
}

// take refuses a tag that is written already.
func (a *actions) take(w spec.Word, to image.Location) error {
	name := to.String()
	first, again := a.taken[name]
	switch {
	case !again:
		a.taken[name] = w
		return nil
	case first.Line > 0:
		return &mistake{w, fmt.Errorf("%s is written by line %d already", name, first.Line)}
	}
	return &mistake{w, fmt.Errorf("%s is named twice", name)}
}

// image is one to read. The digest, if there is one behind its tag, is what it
// must be.
func (a *actions) image(w spec.Word, name string) (image.Location, digest.Digest, error) {
	name, pin := unpinned(name)
	location, err := image.Locate(name, image.Access{Client: a.client, Registry: a.SourceAccess, System: a.Registry.System})
	if err == nil {
		if _, ok := location.Remote(); !ok {
			err = fmt.Errorf("%q is in no registry", name)
		}
	}
	if err != nil {
		return location, "", &mistake{w, err}
	}
	return location, pin, nil
}

// unpinned splits REFERENCE:TAG@DIGEST into the reference and the digest, which
// is "" of all others.
func unpinned(name string) (string, digest.Digest) {
	named, err := reference.ParseNormalizedNamed(strings.TrimPrefix(name, "docker://"))
	if err != nil {
		return name, ""
	}
	_, tagged := named.(reference.Tagged)
	digested, both := named.(reference.Digested)
	if !tagged || !both {
		return name, ""
	}
	return name[:strings.LastIndexByte(name, '@')], digested.Digest()
}

// settle says where a step writes, and whether its tag has to stay where it is.
func (j *job) settle(step *plan.Step, place image.Place) *plan.Step {
	step.Place = place
	step.Fixed = j.TagPolicy != nil && step.Destination.Digested() == "" && !j.TagPolicy.MayMove(step.Destination.Identifier())
	return step
}

// given is how steps are compared that nobody has to choose any more.
func (j *job) given() plan.Request {
	return plan.Request{
		Client: j.client, System: j.Registry.System, Cache: j.cache, Copier: j.copier,
		Signs: len(j.copier.Signers) > 0, ReadOnly: j.readOnly(), Jobs: j.Jobs,
	}
}
