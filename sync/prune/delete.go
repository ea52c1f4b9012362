package prune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/report"
)

// carryOut deletes, wave by wave, and asks afterwards what is gone and what is
// there. What an index lists, and what signs something, stays as long as that.
func (p *plan) carryOut(ctx context.Context) {
	if !slices.ContainsFunc(p.steps, func(s *step) bool { return s.result.Status == "" }) {
		return
	}
	if err := p.untouched(ctx); err != nil {
		p.refuse(err)
		return
	}
	for rest := p.groups(); len(rest) > 0; {
		wave := rest[0][0].wave
		end := slices.IndexFunc(rest, func(g []*step) bool { return g[0].wave != wave })
		if end < 0 {
			end = len(rest)
		}
		_ = p.each(ctx, end, func(ctx context.Context, i int) error { // a failure is a result
			p.deleteGroup(ctx, rest[i])
			return nil
		})
		for _, g := range rest[:end] {
			p.holdBehind(g)
		}
		rest = rest[end:]
	}
	p.verify(ctx)
}

// holdBehind fails what is to go only after a group that has failed.
func (p *plan) holdBehind(group []*step) {
	failed := slices.IndexFunc(group, func(s *step) bool { return s.result.Status == report.Failed })
	if failed < 0 || !group[0].lost {
		return
	}
	cause := group[failed].result
	held := map[digest.Digest]bool{}
	p.follow(held, group[0].digest)
	for _, s := range p.steps {
		if held[s.digest] && s.result.Status == "" {
			s.fail(fault.New(cause.Error.Kind, fmt.Errorf("not deleted, because deleting %s failed", cause.Destination)))
		}
	}
}

// follow adds to held all that goes only after a manifest.
func (p *plan) follow(held map[digest.Digest]bool, sum digest.Digest) {
	if held[sum] {
		return
	}
	held[sum] = true
	for _, later := range p.followers[sum] {
		p.follow(held, later)
	}
}

// groups are the steps that one deletion does: the tags of a manifest that goes.
func (p *plan) groups() [][]*step {
	var groups [][]*step
	index := map[digest.Digest]int{}
	for _, s := range p.steps {
		at, known := index[s.digest]
		if known && s.lost {
			groups[at] = append(groups[at], s)
			continue
		}
		index[s.digest] = len(groups)
		groups = append(groups, []*step{s})
	}
	return groups
}

// untouched fails where a tag has come about since the shelf was read, or one that
// stays has moved: it may need what is to go.
func (p *plan) untouched(ctx context.Context) error {
	now, err := p.cut.Tags(ctx)
	if err != nil {
		return err
	}
	for _, tag := range now {
		if !p.reading.listed[tag] {
			return fault.WithRemedy(fault.Conflict, fmt.Errorf("nothing is deleted, because somebody has written %s meanwhile", p.cut.Reference(tag)), "try again")
		}
	}
	if p.cut.Collects() || len(p.decision.Manifests) == 0 { // only tags are deleted
		return nil
	}
	stay := p.staying()
	return p.each(ctx, len(stay), func(ctx context.Context, i int) error { return p.unmoved(ctx, stay[i]) })
}

// unmoved fails where a tag that stays names something else by now.
func (p *plan) unmoved(ctx context.Context, tag string) error {
	now, err := p.cut.Resolve(ctx, tag)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	case now != p.reading.contents.Tags[tag]:
		return fault.WithRemedy(fault.Conflict, fmt.Errorf("nothing is deleted, because somebody has moved %s to %s meanwhile", p.cut.Reference(tag), now), "try again")
	}
	return nil
}

// deleteGroup deletes a manifest with its tags, or a tag.
func (p *plan) deleteGroup(ctx context.Context, group []*step) {
	if group[0].result.Status != "" { // it was held behind another
		return
	}
	started := time.Now()
	err := p.guard(ctx, group)
	if err == nil && group[0].lost {
		err = p.cut.DeleteManifest(ctx, group[0].digest)
	}
	for _, s := range group {
		failure := err
		if failure == nil && s.tag != "" {
			failure = p.deleteTag(ctx, s)
		}
		s.result.Attempts, s.result.DurationMS = 1, time.Since(started).Milliseconds()
		s.result.Status = report.Done
		if failure != nil {
			s.fail(failure)
		}
	}
}

// guard fails where a tag names something else by now.
func (p *plan) guard(ctx context.Context, group []*step) error {
	if err := ctx.Err(); err != nil {
		return fault.New(fault.Cancelled, errors.New("interrupted before it was deleted"))
	}
	for _, s := range group {
		if s.tag == "" {
			continue
		}
		now, err := p.cut.Resolve(ctx, s.tag)
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return err
		case now != s.digest:
			return fault.WithRemedy(fault.Conflict, fmt.Errorf("not deleted, because somebody has moved %s to %s meanwhile", s.result.Destination, now), "try again")
		}
	}
	return nil
}

// deleteTag deletes a tag that has not gone with its manifest.
func (p *plan) deleteTag(ctx context.Context, s *step) error {
	if s.lost {
		if _, err := p.cut.Resolve(ctx, s.tag); fault.Is(err, fault.NotFound) {
			return nil
		}
	}
	return p.cut.DeleteTag(ctx, s.tag)
}

// verify asks for everything that is deleted, and for every tag that stays.
func (p *plan) verify(ctx context.Context) {
	asking := context.WithoutCancel(ctx) // for what has been done already
	_ = p.each(asking, len(p.steps), func(ctx context.Context, i int) error {
		p.steps[i].verify(ctx, p.cut)
		return nil
	})
	if ctx.Err() != nil {
		return
	}
	stay := append(p.staying(), identifiers(p.atRisk)...) // which no tag names
	var mu sync.Mutex
	missing := map[string]error{}
	_ = p.each(ctx, len(stay), func(ctx context.Context, i int) error {
		if _, err := p.cut.Resolve(ctx, stay[i]); err != nil {
			mu.Lock()
			missing[stay[i]] = err
			mu.Unlock()
		}
		return nil
	})
	for _, identifier := range stay {
		if err := missing[identifier]; err != nil {
			p.other = append(p.other, p.unwell(identifier, err))
		}
	}
}

// staying are the tags that stay.
func (p *plan) staying() []string {
	stay := map[string]bool{}
	for tag := range p.reading.contents.Tags {
		stay[tag] = true
	}
	for _, tag := range p.decision.Tags {
		delete(stay, tag)
	}
	return slices.Sorted(maps.Keys(stay))
}

// verify asks whether what was deleted is gone.
func (s *step) verify(ctx context.Context, shelf Shelf) {
	if s.result.Status != report.Done {
		return
	}
	now, err := shelf.Resolve(ctx, s.identifier())
	switch {
	case fault.Is(err, fault.NotFound):
		s.result.Verified = true
	case err != nil:
		s.fail(fmt.Errorf("asking whether it is gone: %w", err))
	default:
		s.fail(fault.New(fault.Conflict, fmt.Errorf("the registry took the deletion, and still answers with %s", now)))
	}
}

// unwell is the result of what should have stayed.
func (p *plan) unwell(identifier string, err error) report.Result {
	result := report.Result{
		Action: report.Delete, Status: report.Failed, Destination: p.cut.Reference(identifier),
		PreviousDigest: p.reading.contents.Tags[identifier],
	}
	what := "asking whether it has stayed"
	if fault.Is(err, fault.NotFound) {
		what = "it was to stay, and is gone"
	}
	result.Error = report.Failure(fault.At(fault.Destination, result.Destination, fmt.Errorf("%s: %w", what, err)))
	return result
}

// each does something for each of so many, several at the same time.
func (p *plan) each(ctx context.Context, count int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(p.jobs, 1))
	for i := range count {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
