package spec

import (
	"fmt"
	"strings"

	"go.podman.io/image/v5/docker/reference"
	"go.yaml.in/yaml/v3"
)

// registry reads host[:port][/namespace]. It is "" if node is something else.
func (r *reader) registry(node *yaml.Node, what string) string {
	name, ok := r.word(node, what)
	if !ok {
		return ""
	}
	_, bare, scheme := strings.Cut(name, "://")
	switch {
	case strings.Contains(name, "@"):
		// Not repeated: it may hold a password.
		r.reject(r.at(node), "%s has an @; write host[:port][/namespace], and credentials under credentials", what)
		return ""
	case scheme:
		r.reject(r.at(node), "%s %q has a scheme; %q was meant", what, name, bare)
		return ""
	case strings.Trim(name, "/") != name:
		r.reject(r.at(node), "%s %q begins or ends with a slash; %q was meant", what, name, strings.Trim(name, "/"))
		return ""
	}
	if _, err := reference.ParseNormalizedNamed(name + "/x"); err != nil {
		r.reject(r.at(node), "%s %q is not host[:port][/namespace]", what, name)
		return ""
	}
	if host, _, _ := strings.Cut(name, "/"); !strings.ContainsAny(host, ".:") && host != "localhost" {
		r.doubt(r.at(node), "%s %q has no dot and no port and so names docker.io/%s; write that, or a port", what, name, name)
	}
	return name
}

// repositoryName reads a repository of a registry. It is nil if node names
// none.
func (r *reader) repositoryName(registry string, node *yaml.Node) reference.Named {
	key, ok := r.word(node, "repository")
	if !ok {
		return nil
	}
	if registry == "" { // which is a mistake of its own
		registry = "localhost"
	}
	if text := repositoryMistake(key, "write the tag in the list"); text != "" {
		r.reject(r.at(node), "repository %q %s", key, text)
		return nil
	}
	name, err := reference.ParseNormalizedNamed(registry + "/" + key)
	if err != nil {
		r.reject(r.at(node), "repository %q does not go with registry %q: %v", key, registry, err)
		return nil
	}
	return name
}

const pathForm = "lower-case letters and digits, between them . _ __ or -, elements separated by /"

// repositoryMistake says what keeps path from being a repository's path (OCI
// distribution §Pulling manifests, <name>) and what was meant; "" if nothing
// does. tag says what to do with a tag.
func repositoryMistake(path, tag string) string {
	if trimmed := strings.Trim(path, "/"); trimmed != path {
		return fmt.Sprintf("begins or ends with a slash; %q was meant", trimmed)
	}
	name, err := parsePath(path)
	switch {
	case err == nil && reference.IsNameOnly(name):
		return ""
	case err == nil:
		return "names a reference, not a repository; " + tag
	}
	if lower := strings.ToLower(path); lower != path && repositoryMistake(lower, "") == "" {
		return fmt.Sprintf("has upper-case letters; %q was meant", lower)
	}
	return "is not a path of " + pathForm
}

func parsePath(path string) (reference.Named, error) {
	return reference.ParseNormalizedNamed("localhost/" + path)
}

// CheckImage says why a name cannot be that of an image, below a namespace.
func CheckImage(name string) error {
	if text := repositoryMistake(name, "the hash is its tag"); text != "" {
		return fmt.Errorf("image %q %s", name, text)
	}
	return nil
}
