package job

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"csync/sync/fault"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// Merging is what a merge is asked for besides its options.
type Merging struct {
	// Arguments are an image and the tags that it is merged into; none: a line of
	// the source file has them for each image.
	Arguments []string
	// KeepTag is a further tag of what was merged, so that no registry deletes it
	// once its tag names something else: {tag} in it is the tag, {digest} the first
	// 12 digits of the digest. "": there is none.
	KeepTag string
}

// Run writes over each destination what merging makes of the image and what is
// there, as [content.Merge] does, and brings the image first. Everything that was
// asked for is in the report; an error says that nothing was attempted.
func (m Merging) Run(ctx context.Context, o Options) (*report.Report, error) {
	return writeIndexes(ctx, o, func(ctx context.Context, j *job) ([]func() *index, error) {
		if err := m.check(); err != nil {
			return nil, j.usage("--keep-tag %q: %w", m.KeepTag, err)
		}
		var all []func() *index
		err := readActions(j, m.Arguments, "SOURCE DEST [DEST...]", func(a *actions, words []spec.Word) error {
			merges, err := m.merges(ctx, a, words)
			all = append(all, merges...)
			return err
		})
		return all, err
	})
}

var placeholder = regexp.MustCompile(`\{[^}]*\}?`)

// check says what is wrong with the further tag.
func (m Merging) check() error {
	if m.KeepTag == "" {
		return nil
	}
	for _, found := range placeholder.FindAllString(m.KeepTag, -1) {
		if found != "{tag}" && found != "{digest}" {
			return fmt.Errorf("%s stands for nothing; {tag} and {digest} do", found)
		}
	}
	if !strings.Contains(m.KeepTag, "{digest}") {
		return fmt.Errorf("without {digest} the next merge would move it; {tag}-{digest} was meant")
	}
	return nil
}

// merges are those of one image, which is read once.
func (m Merging) merges(ctx context.Context, a *actions, words []spec.Word) ([]func() *index, error) {
	if len(words) < 2 {
		return nil, a.incomplete(words)
	}
	from, pin, err := a.image(words[0], words[0].Text)
	if err != nil {
		return nil, err
	}
	read := sync.OnceValues(func() (plan.Known, error) { return plan.Read(ctx, from, pin) })
	var all []func() *index
	for _, w := range words[1:] {
		to, err := a.destination(w)
		if err != nil {
			return nil, err
		}
		all = append(all, func() *index {
			source, err := read()
			if err != nil {
				return failing(from, to, report.Merge, err)
			}
			return m.index(ctx, a.job, source, to)
		})
	}
	return all, nil
}

// index makes what the destination is to name.
func (m Merging) index(ctx context.Context, j *job, source plan.Known, to written) *index {
	step, err := plan.Merging(ctx, source, to.Location)
	if err != nil {
		return failing(source.Location, to, report.Merge, err)
	}
	step.Guarded = true
	merged := j.making(step, to, source)
	if m.KeepTag != "" && len(step.Parts) > 1 {
		merged.keep = m.keep(j, step, to)
	}
	return merged
}

// keep is the further tag of what was merged.
func (m Merging) keep(j *job, step *plan.Step, to written) *plan.Step {
	digits := step.Manifest.Digest.Encoded()[:12]
	tag := strings.NewReplacer("{tag}", to.Identifier(), "{digest}", digits).Replace(m.KeepTag)
	location, err := to.Beside(tag)
	if err != nil {
		shown := "docker://" + to.Repository.Name().Name() + ":" + tag
		return plan.Failing(step.Result.Source, shown, report.Retag, fault.At(fault.Destination, shown, err))
	}
	return j.settle(plan.Tagging(step, location), to.place)
}
