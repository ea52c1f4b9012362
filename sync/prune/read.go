package prune

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
)

// maxManifests bounds what is read of one repository, because a registry could
// name ever more.
const maxManifests = 1_000_000

// reading is what has been read of a shelf.
type reading struct {
	shelf  Shelf
	choice Choice
	jobs   int

	listed map[string]bool // all tags

	mu       sync.Mutex
	contents Contents
	entered  map[digest.Digest]bool // these have been read
	asked    map[digest.Digest]bool // what is about these
}

// read reads what deciding needs: what every tag names, the instances of indexes,
// and what signatures and referrers are about.
func read(ctx context.Context, shelf Shelf, choice Choice, jobs int) (*reading, error) {
	r := &reading{
		shelf: shelf, choice: choice, jobs: max(jobs, 1),
		listed: map[string]bool{}, entered: map[digest.Digest]bool{}, asked: map[digest.Digest]bool{},
		contents: Contents{Tags: map[string]digest.Digest{}, Manifests: map[digest.Digest]Manifest{}},
	}
	tags, err := shelf.Tags(ctx)
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		r.listed[tag] = true
	}
	if !slices.ContainsFunc(tags, func(tag string) bool { return choice.Verdict(tag) >= Drop }) && len(choice.Remove) == 0 {
		for _, tag := range tags { // nothing is to go, so nobody asks what they name
			r.contents.Tags[tag] = ""
		}
		return r, nil
	}
	if err := r.each(ctx, tags, r.readTag); err != nil {
		return nil, err
	}
	if err := r.each(ctx, identifiers(slices.Concat(choice.Keep, choice.Remove)), r.readDigest); err != nil {
		return nil, err
	}
	return r, r.each(ctx, r.strangers(), r.readDigest)
}

// each reads several at the same time.
func (r *reading) each(ctx context.Context, identifiers []string, read func(context.Context, string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.jobs)
	for _, identifier := range identifiers {
		group.Go(func() error { return read(ctx, identifier) })
	}
	return group.Wait()
}

func identifiers(digests []digest.Digest) []string {
	var all []string
	for _, d := range digests {
		all = append(all, d.String())
	}
	return all
}

// readTag reads what a tag names. One that is listed and names nothing is left
// alone.
func (r *reading) readTag(ctx context.Context, tag string) error {
	entry, err := r.shelf.Read(ctx, tag)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.contents.Tags[tag] = entry.Digest
	r.mu.Unlock()
	return r.enter(ctx, entry)
}

// readDigest reads a manifest that no tag may lead to, if it is there.
func (r *reading) readDigest(ctx context.Context, identifier string) error {
	entry, err := r.shelf.Read(ctx, identifier)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.enter(ctx, entry)
}

// enter notes a manifest, and reads the indexes that it lists.
func (r *reading) enter(ctx context.Context, entry Entry) error {
	r.mu.Lock()
	known := r.entered[entry.Digest]
	r.entered[entry.Digest] = true
	r.contents.Manifests[entry.Digest] = entry.Manifest
	for _, listed := range entry.Lists {
		if _, there := r.contents.Manifests[listed]; !there {
			r.contents.Manifests[listed] = Manifest{}
		}
	}
	tooMany := len(r.contents.Manifests) > maxManifests
	r.mu.Unlock()
	if tooMany {
		return fault.New(fault.Unsupported, fmt.Errorf("there are more than %d manifests", maxManifests))
	}
	if known {
		return nil
	}
	for _, index := range entry.Indexes {
		if err := r.readDigest(ctx, index.String()); err != nil {
			return err
		}
	}
	return nil
}

// strangers are the digests of which only a signature that may go tells so far:
// whoever knows them by digest may need that.
func (r *reading) strangers() []string {
	subjects := r.contents.subjects()
	var found []string
	for tag := range r.contents.Tags {
		named := subjectNamed(tag)
		if named != "" && subjectOf(tag, subjects) == "" && r.choice.Verdict(tag) == Drop {
			found = append(found, named.String())
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// decide decides, once everything is known that is about what goes.
func (r *reading) decide(ctx context.Context) (Decision, error) {
	for {
		decision := Decide(r.contents, r.choice)
		var lost []string
		for _, sum := range slices.Concat(decision.Manifests...) {
			if !r.asked[sum] {
				r.asked[sum] = true
				lost = append(lost, sum.String())
			}
		}
		if len(lost) == 0 {
			return decision, nil
		}
		if err := r.each(ctx, lost, r.readReferrers); err != nil {
			return decision, err
		}
	}
}

// readReferrers notes what is about a manifest.
func (r *reading) readReferrers(ctx context.Context, subject string) error {
	referrers, err := r.shelf.Referrers(ctx, digest.Digest(subject))
	if err != nil {
		return err
	}
	for _, referrer := range referrers {
		r.mu.Lock()
		known := r.entered[referrer]
		r.mu.Unlock()
		if known {
			continue
		}
		if err := r.readDigest(ctx, referrer.String()); err != nil {
			return err
		}
	}
	return nil
}
