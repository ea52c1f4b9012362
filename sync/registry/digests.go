package registry

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"csync/sync/log"
)

// quayPage is the number of tags that Quay's API gives at most in an answer.
const quayPage = 100

// tagDigests are what tags stand for, as a registry lists it.
type tagDigests map[string]digest.Digest

// listedTags are what a list of tags told besides.
type listedTags struct {
	digests  tagDigests
	untagged map[digest.Digest]bool
}

// add takes the digests of the page's tags, and which manifests have none.
func (l listedTags) add(page tagPage) error {
	for sum, tagged := range page.Manifests {
		before, seen := l.untagged[sum]
		l.untagged[sum] = !tagged && (before || !seen)
	}
	if len(l.untagged) > maxManifests {
		return unsupported("the list has more than %d manifests", maxManifests)
	}
	for _, tag := range page.Tags {
		if sum, told := page.Digests[tag]; told {
			l.digests[tag] = sum
		}
	}
	return nil
}

// Untagged are the manifests without a tag that the registry told of with
// [Repository.Tags], sorted; no other than Google's does.
func (r *Repository) Untagged() []digest.Digest {
	listed := r.listed.Load()
	if listed == nil {
		return nil
	}
	var all []digest.Digest
	for sum, untagged := range listed.untagged {
		if untagged {
			all = append(all, sum)
		}
	}
	slices.Sort(all)
	return all
}

// Digests are the digests of the repository's tags, where the registry tells
// them for many tags at a time: Google's with the list of tags, Quay's by an
// API of its own. It is empty where the registry does not, or was not asked for
// [Repository.Tags] before; that it cannot tell is no error.
func (r *Repository) Digests(ctx context.Context) map[string]digest.Digest {
	listed := r.listed.Load()
	if listed == nil {
		return nil
	}
	if len(listed.digests) > 0 || !r.primary.isQuay() {
		return listed.digests
	}
	found, err := r.primary.quayDigests(ctx)
	if err != nil {
		log.From(ctx).Debugf("%s lists no digests: %v", r.name.Name(), err)
		r.primary.found.notQuay.Store(true)
		return nil
	}
	return found
}

// isQuay reports whether the registry is a Quay whose API answers. Quay sends
// for tokens to a place of its own.
func (e *endpoint) isQuay() bool {
	return !e.found.notQuay.Load() && strings.HasSuffix(e.Realm(), "/v2/auth")
}

// quayDigests lists the tags that are alive ("List Repository Tags" in Quay's
// API).
func (e *endpoint) quayDigests(ctx context.Context) (tagDigests, error) {
	found := tagDigests{}
	for number := 1; number <= maxPages; number++ {
		var page struct {
			Tags []struct {
				Name   string        `json:"name"`
				Digest digest.Digest `json:"manifest_digest"`
			} `json:"tags"`
			More bool `json:"has_additional"`
		}
		query := url.Values{"limit": {fmt.Sprint(quayPage)}, "page": {fmt.Sprint(number)}, "onlyActiveTags": {"true"}}
		if err := e.get(ctx, "/api/v1/repository/"+e.Path()+"/tag/", query, &page); err != nil {
			return nil, err
		}
		for _, tag := range page.Tags {
			if err := tag.Digest.Validate(); err != nil {
				return nil, fmt.Errorf("tag %q: %w", tag.Name, err)
			}
			found[tag.Name] = tag.Digest
		}
		if !page.More {
			return found, nil
		}
	}
	return nil, fmt.Errorf("the list has more than %d pages", maxPages)
}
