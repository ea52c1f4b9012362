package spec

import (
	"regexp"
	"slices"
	"strconv"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"
)

// setting gives a repository the value of one key.
type setting func(*Repository)

// entry is one of csync.repositories: settings for the repositories that its
// glob matches.
type entry struct {
	*reader
	glob     glob
	node     *yaml.Node
	settings []setting
	tags     []further
	unusable bool // and so are the repositories
}

// keysOfCsync has a reader for each key of csync.
func (s *sourceReader) keysOfCsync() map[string]func(*yaml.Node) {
	keys := map[string]func(*yaml.Node){
		"platforms": s.whole(func(node *yaml.Node) { s.defaults = append(s.defaults, s.platforms(node)) }),
		"prune": s.whole(func(node *yaml.Node) {
			if prune, ok := s.boolean(node, "csync.prune"); ok {
				s.defaults = append(s.defaults, pruning(prune))
			}
		}),
		"repositories": s.readEntries,
	}
	for key, read := range s.keysOfLogin() {
		keys[key] = s.whole(read)
	}
	return keys
}

func (s *sourceReader) readEntries(node *yaml.Node) {
	for _, p := range s.pairs(node, "csync.repositories") {
		e := entry{reader: s.reader, node: p.key}
		text, ok := s.word(p.key, "a key of csync.repositories")
		if !ok {
			continue
		}
		if e.glob, ok = parseGlob(text); !ok {
			s.reject(s.at(p.key), "%q cannot match a repository; %s was meant", text, globForm)
			s.unusable = true // it is not known which repositories were meant
			continue
		}
		e.unusable = s.rejects(func() { s.fields(p.value, "an entry of csync.repositories", e.keys()) })
		s.entries = append(s.entries, e)
	}
}

// keys has a reader for each key of an entry.
func (e *entry) keys() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"platforms":   func(node *yaml.Node) { e.set(e.platforms(node)) },
		"exclude":     e.readExclude,
		"latest":      e.readLatest,
		"destination": e.readDestination,
		"tags":        e.readTags,
		"referrers":   e.readReferrers,
		"prune":       e.readPrune,
	}
}

func (e *entry) set(s setting) { e.settings = append(e.settings, s) }

// platforms reads a list of platforms. An empty list is every platform.
func (r *reader) platforms(node *yaml.Node) setting {
	var platforms []v1.Platform
	seen := map[string]bool{}
	for element, word := range r.words(node, "platforms", "a platform") {
		platform, err := ParsePlatform(word)
		if err != nil {
			r.reject(r.at(element), "%v", err)
			continue
		}
		if name := platform.OS + "/" + platform.Architecture + "/" + platform.Variant; !seen[name] {
			seen[name] = true
			platforms = append(platforms, platform)
		}
	}
	return func(repository *Repository) { repository.Platforms = platforms }
}

func (e *entry) readExclude(node *yaml.Node) {
	var exclude []*regexp.Regexp
	for element, word := range e.words(node, "exclude", "a regex") {
		if pattern := e.pattern(element, word); pattern != nil {
			exclude = append(exclude, pattern)
		}
	}
	e.set(func(repository *Repository) { repository.Exclude = exclude })
}

func (e *entry) readLatest(node *yaml.Node) {
	text, ok := e.text(node, "latest")
	if !ok {
		return
	}
	latest, err := strconv.Atoi(text)
	if err == nil && node.ShortTag() != "!!int" {
		e.refuse(e.at(node), "latest must be a whole number, not the text %q; write it without quotes", text)
		return
	}
	if err != nil {
		e.refuse(e.at(node), "latest must be a whole number, not %q", text)
		return
	}
	if latest < 1 {
		e.reject(e.at(node), "latest is %d; 1 or more was meant, or no latest for every tag", latest)
	}
	e.set(func(repository *Repository) { repository.Latest = latest })
}

func (e *entry) readDestination(node *yaml.Node) {
	path, ok := e.word(node, "destination")
	if !ok {
		return
	}
	if text := repositoryMistake(path, "further tags go under tags"); text != "" {
		e.reject(e.at(node), "destination %q %s", path, text)
	}
	e.set(func(repository *Repository) { repository.Destination = path })
}

func (e *entry) readReferrers(node *yaml.Node) {
	if referrers, ok := e.boolean(node, "referrers"); ok {
		e.set(func(repository *Repository) { repository.Referrers = referrers })
	}
}

func (e *entry) readPrune(node *yaml.Node) {
	if prune, ok := e.boolean(node, "prune"); ok {
		e.set(pruning(prune))
	}
}

func pruning(prune bool) setting { return func(repository *Repository) { repository.Prune = prune } }

// applySettings gives each repository its settings, the most specific of each
// key last. A repository with a setting that cannot be used is left out: it is
// not to be copied without its filter.
func (s *sourceReader) applySettings() {
	slices.SortStableFunc(s.entries, func(a, b entry) int { return a.glob.compare(b.glob) })
	for _, key := range s.order {
		for _, set := range s.defaults {
			set.apply(s.repositories[key])
		}
	}
	for i := range s.entries {
		s.applyEntry(&s.entries[i])
	}
	for i := range s.entries { // by now all that excludes a tag is known
		s.checkTags(&s.entries[i])
	}
	for _, key := range s.order {
		if repository := s.repositories[key]; repository != nil {
			s.tagDigests(repository)
		}
	}
}

func (set setting) apply(repository *Repository) {
	if repository != nil {
		set(repository)
	}
}

func (s *sourceReader) applyEntry(e *entry) {
	matched := s.matching(e.glob)
	if len(matched) == 0 {
		s.doubt(s.at(e.node), "%q matches no repository of %s%s", e.glob.text, s.Registry, didYouMean(e.glob.text, s.order))
	}
	for _, key := range matched {
		if e.unusable {
			s.repositories[key] = nil
		}
		for _, set := range e.settings {
			set.apply(s.repositories[key])
		}
	}
}

// matching lists the repositories that a glob matches, by key.
func (s *sourceReader) matching(g glob) []string {
	if g.match != nil {
		return slices.DeleteFunc(slices.Clone(s.order), func(key string) bool { return !g.match.MatchString(key) })
	}
	if _, found := s.repositories[g.text]; found {
		return []string{g.text}
	}
	return nil
}
