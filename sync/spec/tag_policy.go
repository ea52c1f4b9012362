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

// MovesAll reports whether there is no tag that may not move.
func (p TagPolicy) MovesAll() bool { return !p.restricted && len(p.immutable) == 0 }

// wholeTagPattern compiles a regex that a whole tag has to match.
func wholeTagPattern(s string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(s); err != nil { // of what the user has written
		return nil, fmt.Errorf("%q is not a regex (RE2): %s", s, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return regexp.Compile("^(?:" + s + ")$")
}
