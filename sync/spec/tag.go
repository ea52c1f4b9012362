package spec

import (
	_ "crypto/sha256" // the digests that
	_ "crypto/sha512" // a list may name
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
	"go.yaml.in/yaml/v3"
)

// wholeTag is the grammar of a tag (OCI distribution 1.1 §Pulling manifests).
var wholeTag = regexp.MustCompile("^" + reference.TagRegexp.String() + "$")

const (
	tagForm    = "at most 128 letters, digits, _ . and -, the first no . and no -"
	digestForm = "sha256: and 64 hexadecimal digits, or sha512: and 128"
)

// readReference reads an element of a repository's list: a tag, a digest, or a
// tag with the digest that it must name.
func (s *sourceReader) readReference(node *yaml.Node, repository *Repository) {
	text, ok := s.word(node, "a tag")
	if !ok {
		return
	}
	if name, pin, pinned := strings.Cut(text, "@"); pinned {
		tag := Tag{Name: name, Pin: digest.Digest(pin), Position: s.at(node)}
		validTag, validPin := s.isTag(node, name), s.isDigest(node, pin)
		if validTag && validPin {
			repository.Tags = append(repository.Tags, tag)
		}
		return
	}
	switch {
	case !s.isTagOrDigest(node, text):
	case hasDigestForm(text):
		repository.Digests = append(repository.Digests, Digest{Digest: digest.Digest(text), Position: s.at(node)})
	default:
		repository.Tags = append(repository.Tags, Tag{Name: text, Position: s.at(node)})
	}
}

// isTag reports whether text is a tag, or else that it is none.
func (r *reader) isTag(node *yaml.Node, text string) bool {
	if wholeTag.MatchString(text) {
		return true
	}
	if tag := text[strings.LastIndex(text, ":")+1:]; tag != text && wholeTag.MatchString(tag) {
		r.reject(r.at(node), "%q is not a tag; %q was meant", text, tag)
		return false
	}
	r.reject(r.at(node), "%q is not a tag: %s", text, tagForm)
	return false
}

// isDigest reports whether text is a digest, or else that it is none.
func (r *reader) isDigest(node *yaml.Node, text string) bool {
	if _, err := digest.Parse(text); err == nil {
		return true
	}
	if lower := strings.ToLower(text); digest.Digest(lower).Validate() == nil {
		r.reject(r.at(node), "%q is not a digest; %q was meant", text, lower)
		return false
	}
	r.reject(r.at(node), "%q is not a digest: %s", text, digestForm)
	return false
}
