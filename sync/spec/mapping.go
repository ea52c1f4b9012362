package spec

import (
	"go.yaml.in/yaml/v3"
)

// Limits on what aliases and merge keys can make of a small file.
const (
	maxNodes = 1_000_000
	maxMerge = 32 // merge keys within merge keys
)

// visit counts nodes and follows an alias. It returns nil once there were too
// many.
func (r *reader) visit(node *yaml.Node) *yaml.Node {
	r.visited++
	if r.visited == maxNodes {
		r.refuse(r.at(node), "more than %d values once aliases are expanded; write several files", maxNodes)
		r.stopped = true
	}
	if r.visited >= maxNodes {
		return nil
	}
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// pairs gives the keys and values of a mapping in the order of the file, those
// of merge keys last. Null is an empty mapping.
func (r *reader) pairs(node *yaml.Node, what string) []pair {
	return r.merged(node, what, 0)
}

func (r *reader) merged(node *yaml.Node, what string, depth int) []pair {
	switch {
	case isNull(node):
		return nil
	case node.Kind != yaml.MappingNode:
		r.refuse(r.at(node), "%s must be a mapping, not %s", what, kind(node))
		return nil
	case depth > maxMerge:
		r.refuse(r.at(node), "merge keys go deeper than %d; write the keys out", maxMerge)
		return nil
	}
	own, merges := r.split(node, what)
	return r.withMerges(own, merges, depth)
}

// split gives a mapping's own pairs and the values of its merge keys.
func (r *reader) split(node *yaml.Node, what string) (own []pair, merges []*yaml.Node) {
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := r.visit(node.Content[i]), r.visit(node.Content[i+1])
		switch {
		case key == nil || value == nil:
			return nil, nil
		case key.Kind != yaml.ScalarNode:
			r.refuse(r.at(key), "a key of %s must be text, not %s", what, kind(key))
			continue
		case seen[key.Value] != nil:
			r.refuse(r.at(key), "key %q is at line %d already; write it once", key.Value, seen[key.Value].Line)
			continue
		case key.ShortTag() == "!!merge":
			merges = append(merges, value)
		default:
			own = append(own, pair{key, value})
		}
		seen[key.Value] = key
	}
	return own, merges
}

// withMerges adds the pairs of merge keys whose keys are not there yet: a
// mapping's own keys win, then the first merged mapping that has the key.
func (r *reader) withMerges(own []pair, merges []*yaml.Node, depth int) []pair {
	seen := map[string]bool{}
	for _, p := range own {
		seen[p.key.Value] = true
	}
	for _, merge := range merges {
		mappings := []*yaml.Node{merge}
		if merge.Kind == yaml.SequenceNode {
			mappings = r.items(merge, "a merge key")
		}
		for _, mapping := range mappings {
			for _, p := range r.merged(mapping, "what a merge key names", depth+1) {
				if !seen[p.key.Value] {
					seen[p.key.Value] = true
					own = append(own, p)
				}
			}
		}
	}
	return own
}
