package spec

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"csync/sync/fault"
)

// TagPolicy says which of the tags that a destination has may be made to name
// another digest. The zero value lets all of them move.
type TagPolicy struct {
	// restricted lets only those move that movable matches.
	restricted bool
	movable    []*regexp.Regexp // of whole tags
	labels     bool             // the labels of a promotion may move besides
	// immutable matches those that never move, unanchored: it wins.
	immutable []*regexp.Regexp
}

// ParseTagPolicy reads --tag-policy: allow, deny, or a regex (RE2) that a whole
// tag has to match to be allowed to move. The error has the kind input.
func ParseTagPolicy(s string) (TagPolicy, error) {
	switch s {
	case "allow":
		return TagPolicy{}, nil
	case "deny":
		return TagPolicy{restricted: true}, nil
	case "": // mostly a variable that is not set
		return TagPolicy{}, fault.New(fault.Input, errors.New("it is empty; allow, deny or a regex of the tags that may move was meant"))
	}
	pattern, err := wholeTagPattern(s)
	if err != nil {
		return TagPolicy{}, fault.New(fault.Input, err)
	}
	return TagPolicy{restricted: true, movable: []*regexp.Regexp{pattern}}, nil
}

// MayMove reports whether the tag may be made to name another digest.
func (p TagPolicy) MayMove(tag string) bool {
	if matchesAny(p.immutable, tag) {
		return false
	}
	return !p.restricted || matchesAny(p.movable, tag)
}

// mayMoveLabels reports whether the labels of a promotion may move though they
// are not listed, and this one is not immutable.
func (p TagPolicy) mayMoveLabels(label string) bool {
	return p.labels && !matchesAny(p.immutable, label)
}

// DefaultTagPolicy is what holds where nobody says anything: a cip manifest moves
// no tag, as kpromo does not; everything else does.
func (f *File) DefaultTagPolicy() TagPolicy { return TagPolicy{restricted: f.Manifest} }

// wholeTagPattern compiles a regex that has to match all of a tag: who allows
// one label to move does not mean those that begin with its name.
func wholeTagPattern(text string) (*regexp.Regexp, error) {
	if _, err := compilePattern(text); err != nil { // of what the user has written
		return nil, err
	}
	return compilePattern("^(?:" + text + ")$")
}

func compilePattern(text string) (*regexp.Regexp, error) {
	pattern, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regex (RE2): %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return pattern, nil
}
