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
	if hasKey(node, "place") {
		p.fields(node, what, keys(s))
		s.checkPlace(node, what)
	} else {
		p.fieldsWith(node, what, keys(s), "registry")
	}
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
		"place":       s.readPlace,
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

func (s *sideReader) readPlace(node *yaml.Node) {
	place, ok := s.word(node, "place")
	path, layout := strings.CutPrefix(place, "oci:")
	if ok && (!layout || path == "" || strings.Contains(path, ":")) {
		s.reject(s.at(node), "place %q is not oci:PATH, the directory of an OCI layout", place)
		return
	}
	s.Place = place
}

// checkPlace rejects what only a registry has. The label of a source stays where it
// is on a disk, which may be one that can be read only.
func (s *sideReader) checkPlace(node *yaml.Node, what string) {
	for _, key := range []string{"registry", "credentials", "tls-verify", "cert-dir", "csync", "create-repositories", "token-file", "token-env"} {
		if hasKey(node, key) {
			s.reject(s.at(node), "%s has place and %s; keep one of them", what, key)
		}
	}
	if what != "source" {
		return
	}
	if hasKey(node, "label") && s.Label {
		s.reject(s.at(node), "the label of a source at a place does not move; leave label out")
	}
	s.Label = false
}

// hasKey reports whether a mapping has a key with a value.
func hasKey(node *yaml.Node, key string) bool {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key && !isNull(node.Content[i+1]) {
			return true
		}
	}
	return false
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
