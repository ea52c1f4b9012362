package registry

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
)

var tagPattern = regexp.MustCompile("^(?:" + reference.TagRegexp.String() + ")$")

// Tags lists the tags of the repository in the registry's order, page by page
// (OCI distribution 1.1, "Listing Tags"). A tag that cannot be one fails the
// list, since nothing that was asked for may be missing without a word. Mirrors
// are not asked: theirs may be old.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	e, all, listed := r.primary, listing{}, listedTags{tagDigests{}, map[digest.Digest]bool{}}
	err := e.eachTagPage(ctx, func(page tagPage) error {
		for _, tag := range page.Tags {
			if !tagPattern.MatchString(tag) {
				return unsupported("registry lists invalid tag %.200q", tag)
			}
		}
		if err := listed.add(page); err != nil {
			return err
		}
		return all.add(page.Tags)
	})
	if err != nil {
		return nil, e.Failure(ctx, err, "fetching tags list")
	}
	r.listed.Store(&listed)
	return all.names, nil
}

// eachTagPage asks for pages until there are no more, or take has an error.
func (e *endpoint) eachTagPage(ctx context.Context, take func(tagPage) error) error {
	req, err := e.Request(e.reading(ctx), http.MethodGet, "tags/list", nil)
	if err != nil {
		return err
	}
	req.URL.RawQuery = "n=1000"
	for {
		resp, err := e.Send(req, maxListing)
		if err != nil {
			return err
		}
		page, err := decodeTagPage(resp.Body)
		if err != nil {
			return err
		}
		if err := take(page); err != nil {
			return err
		}
		next, err := e.nextPage(resp)
		if next == nil || err != nil {
			return err
		}
		req = req.Clone(req.Context())
		req.URL = next
	}
}

// nextPage is where the Link of an answer leads (RFC 8288), on the same host;
// nil after the last page.
func (e *endpoint) nextPage(resp *http.Response) (*url.URL, error) {
	link := resp.Header.Get("Link")
	if link == "" {
		return nil, nil
	}
	_, rest, opened := strings.Cut(link, "<")
	leads, _, closed := strings.Cut(rest, ">")
	if !opened || !closed {
		return nil, unsupported("registry answers with the Link %.200q", link)
	}
	next, err := resp.Request.URL.Parse(leads)
	if err != nil {
		return nil, unsupported("reading the Link of the answer: %w", err)
	}
	if next.Host != e.Address() { // also where the answer came from elsewhere
		return nil, unsupported("refusing to follow the list to another host, %s", next.Host)
	}
	next.Scheme, next.User = resp.Request.URL.Scheme, nil
	return next, nil
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
	if len(l.names) > maxNames {
		return unsupported("the list has more than %d names", maxNames)
	}
	if l.pages++; l.pages > maxPages {
		return unsupported("the list has more than %d pages", maxPages)
	}
	if l.stale > 1 || l.stale == 1 && len(page) > 0 {
		return unsupported("the pages of the list repeat themselves")
	}
	return nil
}
