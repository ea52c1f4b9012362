package spec

import (
	"csync/sync/fault"
	"fmt"
	"regexp"
	"strings"
)

// TagPolicy says which of the tags that exist may move to another digest. Its
// zero value allows all.
type TagPolicy struct {
	listed    bool             // only mayMove may
	labels    bool             // and the labels of a promotion
	mayMove   []*regexp.Regexp // the whole tag
	immutable []*regexp.Regexp // anything in a tag; wins
}

// ParseTagPolicy reads "allow", "deny" or a regex of the only tags that may
// move, which has to match the whole tag. The error has the kind input.
func ParseTagPolicy(s string) (TagPolicy, error) {
	switch s {
	case "":
		return TagPolicy{}, fault.New(fault.Input, fmt.Errorf("the tag policy is empty; allow, deny or a regex was meant"))
	case "allow":
		return TagPolicy{}, nil
	case "deny":
		return TagPolicy{listed: true}, nil
	}
	pattern, err := wholeTagPattern(s)
	if err != nil {
		return TagPolicy{}, fault.New(fault.Input, err)
	}
	return TagPolicy{listed: true, mayMove: []*regexp.Regexp{pattern}}, nil
}

// MayMove reports whether a tag that exists may name another digest.
func (p TagPolicy) MayMove(tag string) bool {
	return !matchesAny(p.immutable, tag) && (!p.listed || matchesAny(p.mayMove, tag))
}

// mayMoveLabels reports whether the labels of a promotion may move though they
// are not listed, and this one is not immutable.
func (p TagPolicy) mayMoveLabels(label string) bool {
	return p.labels && !matchesAny(p.immutable, label)
}

// wholeTagPattern compiles a regex that has to match all of a tag: who allows
// one label to move does not mean those that begin with its name.
func wholeTagPattern(text string) (*regexp.Regexp, error) {
	if _, err := compilePattern(text); err != nil {
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
