package registry

import (
	"context"
	"regexp"

	"go.podman.io/image/v5/docker/reference"
)

var tagPattern = regexp.MustCompile("^(?:" + reference.TagRegexp.String() + ")$")

// Tags lists the tags of the repository in the registry's order, page by page
// (OCI distribution 1.1, "Listing Tags"). A tag that cannot be one fails the
// list, since nothing that was asked for may be missing without a word. Mirrors
// are not asked: theirs may be old.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	e, all := r.primary, listing{}
	err := e.oras.Tags(ctx, "", func(page []string) error {
		for _, tag := range page {
			if !tagPattern.MatchString(tag) {
				return unsupported("registry lists invalid tag %q", shorten(tag))
			}
		}
		return all.add(page)
	})
	if err != nil {
		return nil, e.host.failure(ctx, err, "fetching tags list")
	}
	return all.names, nil
}

// listing collects the pages of a list and ends one that goes round in circles.
type listing struct {
	names []string
	seen  map[string]bool
	stale int // pages in a row with nothing new
	pages int
}

func (l *listing) add(page []string) error {
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	before := len(l.names)
	for _, name := range page {
		if !l.seen[name] {
			l.seen[name] = true
			l.names = append(l.names, name)
		}
	}
	l.stale++
	if len(l.names) > before {
		l.stale = 0
	}
	if l.pages++; l.pages > maxPages {
		return unsupported("the list has more than %d pages", maxPages)
	}
	if l.stale > 1 || l.stale == 1 && len(page) > 0 {
		return unsupported("the pages of the list repeat themselves")
	}
	return nil
}
