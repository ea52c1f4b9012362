package spec

import (
	"cmp"
	"regexp"
	"strings"
)

// glob is a key of csync.repositories: a repository as it is written, or a
// pattern in which * stands for any characters but a slash, and ** for any.
type glob struct {
	text    string
	literal int            // characters that are not *
	match   *regexp.Regexp // nil: the text itself
}

const globForm = "a repository, with * for any characters but / and ** for any"

var globCharacters = regexp.MustCompile(`^[a-z0-9._/*-]+$`)

// parseGlob reads a glob; not ok if no repository can match text.
func parseGlob(text string) (g glob, ok bool) {
	impossible := strings.HasPrefix(text, "/") || strings.HasSuffix(text, "/") ||
		strings.Contains(text, "//") || strings.Contains(text, "***")
	if impossible || !globCharacters.MatchString(text) {
		return glob{}, false
	}
	g = glob{text: text, literal: len(text) - strings.Count(text, "*")}
	if g.literal < len(text) {
		pattern := regexp.QuoteMeta(text)
		pattern = strings.ReplaceAll(pattern, `\*\*`, `.*`)
		pattern = strings.ReplaceAll(pattern, `\*`, `[^/]*`)
		g.match = regexp.MustCompile("^" + pattern + "$")
		return g, true
	}
	return g, repositoryMistake(text, "") == ""
}

// compare orders globs from the least specific to the most: patterns before
// names, then by literal characters. Of equals the first in the alphabet counts
// as more specific.
func (g glob) compare(other glob) int {
	return cmp.Or(
		-cmp.Compare(g.wildness(), other.wildness()),
		cmp.Compare(g.literal, other.literal),
		-cmp.Compare(g.text, other.text),
	)
}

func (g glob) wildness() int {
	if g.match == nil {
		return 0
	}
	return 1
}
