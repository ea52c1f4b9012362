package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
)

// TagOrder is how the latest of tags that are not versions are found.
type TagOrder string

// The tag orders, as --latest-by names them.
const (
	ByName    TagOrder = "name"    // by name, numbers in it as numbers
	ByCreated TagOrder = "created" // by the time the image's config was created
)

// ParseTagOrder reads --latest-by.
func ParseTagOrder(s string) (TagOrder, error) {
	switch order := TagOrder(s); order {
	case ByName, ByCreated:
		return order, nil
	}
	return "", fault.New(fault.Input, fmt.Errorf("%q is not name or created", s))
}

// latest keeps the newest tags: by version where all of them are versions, else
// in the given order. The result is sorted by name.
func (s source) latest(ctx context.Context, tags []string, order TagOrder) ([]string, error) {
	newest, err := s.byAge(ctx, tags, order)
	if err != nil {
		return nil, err
	}
	kept := newest[len(newest)-s.Latest:]
	slices.Sort(kept)
	return kept, nil
}

// byAge orders tags from the oldest to the newest.
func (s source) byAge(ctx context.Context, tags []string, order TagOrder) ([]string, error) {
	versions := make(map[string]*semver.Version, len(tags))
	for _, tag := range tags {
		if version, err := semver.NewVersion(tag); err == nil {
			versions[tag] = version
		}
	}
	sorted := slices.Clone(tags)
	switch {
	case len(versions) == len(tags):
		slices.SortStableFunc(sorted, func(a, b string) int { return versions[a].Compare(versions[b]) })
	case order == ByCreated:
		created, err := s.created(ctx, tags)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(sorted, func(a, b string) int { return created[a].Compare(created[b]) })
	default:
		slices.SortStableFunc(sorted, naturally)
	}
	return sorted, nil
}

// created reads when each tag's image was created.
func (s source) created(ctx context.Context, tags []string) (map[string]time.Time, error) {
	times := make([]time.Time, len(tags))
	group, ctx := errgroup.WithContext(ctx)
	for i, tag := range tags {
		group.Go(func() (err error) {
			times[i], err = content.Created(ctx, s.registry, tag)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	byTag := make(map[string]time.Time, len(tags))
	for i, tag := range tags {
		byTag[tag] = times[i]
	}
	return byTag, nil
}

// naturally compares names with their runs of digits as numbers: r9 < r10.
func naturally(a, b string) int {
	for a != "" && b != "" {
		restA, restB := strings.TrimLeft(a, digits), strings.TrimLeft(b, digits)
		numberA, numberB := strings.TrimLeft(a[:len(a)-len(restA)], "0"), strings.TrimLeft(b[:len(b)-len(restB)], "0")
		if order := cmp.Or(cmp.Compare(len(numberA), len(numberB)), cmp.Compare(numberA, numberB)); order != 0 {
			return order
		}
		endA, endB := wordEnd(restA), wordEnd(restB)
		if order := cmp.Compare(restA[:endA], restB[:endB]); order != 0 {
			return order
		}
		a, b = restA[endA:], restB[endB:]
	}
	return cmp.Compare(len(a), len(b))
}

const digits = "0123456789"

// wordEnd is where the first digit of s is, or its end.
func wordEnd(s string) int {
	if end := strings.IndexAny(s, digits); end >= 0 {
		return end
	}
	return len(s)
}
