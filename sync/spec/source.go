package spec

import (
	"regexp"
	"slices"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
)

// sourceReader reads what a source file says of one registry.
type sourceReader struct {
	accessReader
	Source
	repositories map[string]*Repository // by key; nil: it cannot be used
	order        []string               // the keys of repositories, as in the file
	asks         bool                   // something is written under a key for images
	defaults     []setting              // for every repository
	entries      []entry                // for those that they match
	unusable     bool                   // a mistake concerns the whole registry
}

// source reads one registry of a source file. It is not ok if the registry, or
// how it is to be reached or filtered, cannot be used.
func (r *reader) source(p pair) (Source, bool) {
	at := r.at(p.key)
	s := &sourceReader{accessReader: accessReader{reader: r, place: at}, repositories: map[string]*Repository{}}
	s.Position = at
	s.whole(func(key *yaml.Node) { s.Registry = r.registry(key, "registry") })(p.key)
	s.asks = !isNull(p.value) && p.value.Kind != yaml.MappingNode // which is a mistake of its own
	s.fields(p.value, "a registry", s.keys())
	s.whole(func(*yaml.Node) { s.logIn() })(p.key)
	s.Access = s.access
	if !s.asks {
		// skopeo's words, which scripts match.
		r.doubt(s.Position, "No images specified for registry %q; write images, images-by-tag-regex or images-by-semver", s.Registry)
	}
	s.applySettings()
	for _, key := range s.order {
		if repository := s.repositories[key]; repository != nil && repository.choosesAnything() {
			s.Repositories = append(s.Repositories, *repository)
		}
	}
	return s.Source, !s.unusable
}

// keys has a reader for each key of a registry.
func (s *sourceReader) keys() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"images":              s.asking(s.readImages),
		"images-by-tag-regex": s.asking(s.readPatterns),
		"images-by-semver":    s.asking(s.readConstraints),
		"credentials":         s.whole(s.readCredentials),
		"tls-verify":          s.whole(s.readTLSVerify),
		"cert-dir":            s.whole(s.readCertDir),
		"csync": func(node *yaml.Node) {
			s.fields(node, "csync", s.keysOfCsync())
		},
	}
}

// whole notes whether read finds a mistake, which then concerns the whole
// registry.
func (s *sourceReader) whole(read func(*yaml.Node)) func(*yaml.Node) {
	return func(node *yaml.Node) {
		s.unusable = s.rejects(func() { read(node) }) || s.unusable
	}
}

// asking notes whether anything is written under a key for images.
func (s *sourceReader) asking(read func(*yaml.Node)) func(*yaml.Node) {
	return func(node *yaml.Node) {
		s.asks = s.asks || node.Kind != yaml.MappingNode || len(node.Content) > 0
		read(node)
	}
}

// repository is the one of a key, which several keys of the registry may name.
// It is nil if the key cannot be used.
func (s *sourceReader) repository(key *yaml.Node) *Repository {
	if repository, found := s.repositories[key.Value]; found {
		return repository
	}
	s.order = append(s.order, key.Value)
	s.repositories[key.Value] = nil
	if name := s.repositoryName(s.Registry, key); name != nil {
		s.repositories[key.Value] = &Repository{Name: name, Key: key.Value, Position: s.at(key)}
	}
	return s.repositories[key.Value]
}

func (s *sourceReader) readImages(node *yaml.Node) {
	for _, p := range s.pairs(node, "images") {
		repository := s.repository(p.key)
		references := s.references(p.value)
		if repository == nil {
			for _, reference := range references {
				s.text(reference, "a tag") // a wrong type refuses the file all the same
			}
			continue
		}
		repository.All = repository.All || len(references) == 0
		for _, reference := range references {
			s.readReference(reference, repository)
		}
	}
}

// references gives the elements of a repository's list. Null is none of them,
// as to skopeo: a list of nothing else is empty, and so is every tag.
func (s *sourceReader) references(list *yaml.Node) []*yaml.Node {
	return slices.DeleteFunc(s.items(list, "the tags of a repository"), func(reference *yaml.Node) bool {
		if isNull(reference) {
			s.doubt(s.at(reference), "a tag is null; write it, or [] for every tag")
		}
		return isNull(reference)
	})
}

func (s *sourceReader) readPatterns(node *yaml.Node) {
	for _, p := range s.pairs(node, "images-by-tag-regex") {
		repository := s.repository(p.key)
		text, ok := s.text(p.value, "a regex") // skopeo takes an empty one too
		if repository == nil || !ok {
			continue
		}
		if text == "" {
			s.doubt(s.at(p.value), "the regex is empty and chooses every tag; \"images: {%s: []}\" was meant", p.key.Value)
		}
		if pattern := s.pattern(p.value, text); pattern != nil {
			repository.Patterns = []*regexp.Regexp{pattern}
		}
	}
}

// pattern compiles a regex as Go has them (RE2). It is nil if text is none.
func (r *reader) pattern(node *yaml.Node, text string) *regexp.Regexp {
	pattern, err := compilePattern(text)
	if err != nil {
		r.reject(r.at(node), "%v", err)
		return nil
	}
	return pattern
}

func (s *sourceReader) readConstraints(node *yaml.Node) {
	for _, p := range s.pairs(node, "images-by-semver") {
		repository := s.repository(p.key)
		text, ok := s.word(p.value, "a version constraint")
		if repository == nil || !ok {
			continue
		}
		constraint, err := semver.NewConstraint(text)
		if err != nil {
			s.reject(s.at(p.value), "%q is not a version constraint: %s", text, constraintForm)
			continue
		}
		repository.Constraints = []*semver.Constraints{constraint}
	}
}

const constraintForm = `comparisons such as ">= 3.20", "~1.2", "^2" or "1.x", with "," for and, "||" for or`
