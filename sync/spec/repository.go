package spec

import (
	"regexp"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/docker/reference"
)

// Repository is one source repository and the images wanted of it: the union
// of what its keys choose.
type Repository struct {
	Name     reference.Named // registry/namespace/repository, normalised: docker.io/library/busybox
	Key      string          // as written under images or another key
	Position Position

	All         bool // every tag that the registry lists
	Tags        []Tag
	Digests     []Digest
	Patterns    []*regexp.Regexp      // tags that match one, unanchored
	Constraints []*semver.Constraints // tags that are a version within one

	Platforms []v1.Platform    // the only ones wanted of an index; none: the command line's choice
	Exclude   []*regexp.Regexp // listed tags that match one are not wanted, unanchored
	Latest    int              // so many of the listed tags that are left; 0: all
	// Destination is the repository path under the destination; empty: the
	// command line decides how it is made of the name.
	Destination string
	// DestinationTags are further tags at the destination for a source tag; those
	// of a digest are with it.
	DestinationTags map[string][]string
	Referrers       bool // signatures, SBOMs and attestations too
	// Prune removes from the destinations the tags that the source has lost.
	Prune bool
}

// Tag is a tag that is named explicitly.
type Tag struct {
	Name     string
	Pin      digest.Digest // what the tag must name; empty: whatever it names
	Position Position
}

// Digest is a manifest that is named by its digest.
type Digest struct {
	Digest   digest.Digest
	Tags     []string // what to tag it at the destination, sorted; none: push it untagged
	Position Position
}

// NeedsTagList reports whether the registry must list the repository's tags
// before it is known which are wanted.
func (r *Repository) NeedsTagList() bool {
	return r.All || len(r.Patterns) > 0 || len(r.Constraints) > 0
}

// Wants reports whether a tag that the registry lists is chosen by All, a
// pattern or a constraint and is not excluded. Tags named explicitly are wanted
// besides, listed or not: Exclude is for tags that nobody named.
func (r *Repository) Wants(tag string) bool {
	return r.Chooses(tag) && !matchesAny(r.Exclude, tag)
}

// choosesAnything reports whether the repository can be used and something of
// it is wanted.
func (r *Repository) choosesAnything() bool {
	return r.Name != nil && (r.NeedsTagList() || len(r.Tags)+len(r.Digests) > 0)
}

// Chooses is [Repository.Wants] without what is excluded.
func (r *Repository) Chooses(tag string) bool {
	return r.All || matchesAny(r.Patterns, tag) || withinAny(r.Constraints, tag)
}

func matchesAny(patterns []*regexp.Regexp, tag string) bool {
	for _, pattern := range patterns {
		if pattern.MatchString(tag) {
			return true
		}
	}
	return false
}

// withinAny takes what Masterminds/semver takes for a version: "v1.2.3", "1.2"
// and "1" too. A suffix is a pre-release, which ">= 3.12.0" does not choose.
func withinAny(constraints []*semver.Constraints, tag string) bool {
	if len(constraints) == 0 {
		return false
	}
	version, err := semver.NewVersion(tag)
	if err != nil {
		return false
	}
	for _, constraint := range constraints {
		if constraint.Check(version) {
			return true
		}
	}
	return false
}
