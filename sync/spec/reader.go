package spec

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// reader walks the nodes of one file.
type reader struct {
	*findings
	name    string
	visited int // nodes, counted again for each alias
}

func newReader(name string, mode Mode) *reader {
	return &reader{findings: &findings{mode: mode}, name: name}
}

// beside is a reader for a further file of the same input.
func (r *reader) beside(name string) *reader { return &reader{findings: r.findings, name: name} }

// pair is a key of a mapping and its value.
type pair struct{ key, value *yaml.Node }

// at is where node stands.
func (r *reader) at(node *yaml.Node) Position {
	return Position{File: r.name, Line: max(node.Line, 1), Column: max(node.Column, 1)}
}

// items gives the elements of a list. Null is an empty list.
func (r *reader) items(node *yaml.Node, what string) []*yaml.Node {
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		meant := ""
		if node.Kind == yaml.ScalarNode {
			meant = fmt.Sprintf("; [%q] was meant", node.Value)
		}
		r.refuse(r.at(node), "%s must be a list, not %s%s", what, kind(node), meant)
		return nil
	}
	items := make([]*yaml.Node, 0, len(node.Content))
	for _, item := range node.Content {
		if item = r.visit(item); item == nil {
			return nil
		}
		items = append(items, item)
	}
	return items
}

// text gives a scalar as it is written: 1.10 stays "1.10". Null is "".
func (r *reader) text(node *yaml.Node, what string) (string, bool) {
	switch {
	case node.Kind != yaml.ScalarNode:
		r.refuse(r.at(node), "%s must be text, not %s", what, kind(node))
		return "", false
	case isNull(node):
		return "", true
	default:
		return node.Value, true
	}
}

// word gives a text that is not empty.
func (r *reader) word(node *yaml.Node, what string) (string, bool) {
	text, ok := r.text(node, what)
	if ok && text == "" {
		r.reject(r.at(node), "%s is empty", what)
	}
	return text, ok && text != ""
}

// words gives those texts of a list that are not empty.
func (r *reader) words(node *yaml.Node, what, item string) iter.Seq2[*yaml.Node, string] {
	return func(yield func(*yaml.Node, string) bool) {
		for _, element := range r.items(node, what) {
			if word, ok := r.word(element, item); ok && !yield(element, word) {
				return
			}
		}
	}
}

// boolean gives true or false, in any of the spellings that YAML has for them.
func (r *reader) boolean(node *yaml.Node, what string) (value, ok bool) {
	if node.Kind != yaml.ScalarNode || node.Decode(&value) != nil {
		r.refuse(r.at(node), "%s must be true or false, not %s", what, kind(node))
		return false, false
	}
	return value, true
}

// fields reads each key of a mapping with the function that known has for it.
// Null is as good as no key.
func (r *reader) fields(node *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	for _, p := range r.pairs(node, what) {
		switch read := known[p.key.Value]; {
		case read == nil:
			keys := slices.Sorted(maps.Keys(known))
			r.doubt(r.at(p.key), "%s has no key %q; %s", what, p.key.Value, meant(p.key.Value, keys))
		case !isNull(p.value):
			read(p.value)
		}
	}
}

// isNull reports whether node is null, written or left out.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// kind says what node is and, as it may be a secret, not its text.
func kind(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(node):
		return "empty"
	}
	switch node.ShortTag() {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	default:
		return "text"
	}
}
