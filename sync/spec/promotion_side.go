package spec

import (
	"regexp"
	"strconv"
	"strings"

	"csync/sync/registry/transport"

	"go.yaml.in/yaml/v3"
)

// sideReader reads a source or a destination of a promotion.
type sideReader struct {
	accessReader
	Registry
	namespace bool // is written
	token     credential
}

func (p *promotionReader) readDestinations(node *yaml.Node) {
	for _, item := range p.items(node, "destinations") {
		p.sides = append(p.sides, p.side(item, "a destination", (*sideReader).keysOfDestination))
	}
}

// side reads one side of a promotion, with the keys that it has.
func (p *promotionReader) side(node *yaml.Node, what string, keys func(*sideReader) map[string]func(*yaml.Node)) *sideReader {
	at := p.at(node)
	s := &sideReader{accessReader: accessReader{reader: p.reader, place: at}}
	s.Label, s.Position = true, at
	p.fieldsWith(node, what, keys(s), "registry")
	s.logIn()
	s.Access, s.Token = s.access, transport.Secret(s.token.value)
	if s.Create != "" && s.token.key == "" {
		s.reject(at, "%s has create-repositories and no token for it; write token-file or token-env", what)
	}
	return s
}

// keysOfSide has a reader for each key that a source has.
func (s *sideReader) keysOfSide() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"registry":    s.readHost,
		"namespace":   s.readNamespace,
		"label":       func(node *yaml.Node) { s.Label, _ = s.boolean(node, "label") },
		"credentials": s.readCredentials,
		"tls-verify":  s.readTLSVerify,
		"cert-dir":    s.readCertDir,
		"csync":       func(node *yaml.Node) { s.fields(node, "csync", s.keysOfLogin()) },
	}
}

// keysOfDestination has a reader for each key that a destination has.
func (s *sideReader) keysOfDestination() map[string]func(*yaml.Node) {
	keys := s.keysOfSide()
	keys["create-repositories"] = func(node *yaml.Node) { s.Create = choice(s.reader, node, "create-repositories", "public", "private") }
	keys["token-file"] = s.credential(&s.token, "token-file", fromFile)
	keys["token-env"] = s.credential(&s.token, "token-env", fromEnvironment)
	keys["rename"] = s.readRenames
	return keys
}

func (s *sideReader) readHost(node *yaml.Node) {
	name := s.registry(node, "registry")
	host, path, found := strings.Cut(name, "/")
	if found {
		s.reject(s.at(node), "registry %q has a path; \"registry: %s\" and \"namespace: %s\" were meant", name, host, path)
	}
	s.Registry.Registry = host
}

func (s *sideReader) readNamespace(node *yaml.Node) {
	s.namespace = true
	path, ok := s.text(node, "namespace")
	if !ok || path == "" {
		return // the top of the registry
	}
	if text := repositoryMistake(path, "tags are no part of it"); text != "" {
		s.reject(s.at(node), "namespace %q %s", path, text)
	}
	s.Namespace = path
}

// groups are the references to groups in the replacement of a regex, as
// regexp.Expand has them.
var groups = regexp.MustCompile(`\$\$|\$(\w+)|\$\{(\w+)\}`)

func (s *sideReader) readRenames(node *yaml.Node) {
	for _, p := range s.pairs(node, "rename") {
		text, ok := s.word(p.key, "a regex of rename")
		replacement, isText := s.text(p.value, "a name of rename") // "" takes the match away
		if !ok || !isText {
			continue
		}
		if pattern := s.pattern(p.key, text); pattern != nil {
			s.checkGroups(p.value, pattern, replacement)
			s.Renames = append(s.Renames, Rename{pattern, replacement, s.at(p.key)})
		}
	}
}

// checkGroups rejects what would silently stand for nothing.
func (s *sideReader) checkGroups(node *yaml.Node, pattern *regexp.Regexp, replacement string) {
	for _, group := range groups.FindAllStringSubmatch(replacement, -1) {
		name := group[1] + group[2]
		if name != "" && !hasGroup(pattern, name) {
			s.reject(s.at(node), "%q names group %q, which %q does not have; ${1} is the first", replacement, name, pattern)
		}
	}
}

func hasGroup(pattern *regexp.Regexp, name string) bool {
	if number, err := strconv.Atoi(name); err == nil {
		return number <= pattern.NumSubexp()
	}
	return pattern.SubexpIndex(name) >= 0
}
