package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"csync/sync/fault"

	"go.yaml.in/yaml/v3"
)

// promotionReader reads a promotion file.
type promotionReader struct {
	*reader
	Promotion
	sides    []*sideReader // the destinations
	prefix   bool          // images.prefix is written
	optional []*yaml.Node  // the elements of optional
	lacking  []*yaml.Node  // the keys of images.lacking
}

// LoadPromotion reads one promotion file. name is used in positions only.
//
// The error is of kind input and wraps [Problems]: whatever is wrong, in one
// go. What is missing is no mistake yet, as flags may give it: see
// [Promotion.Check].
func LoadPromotion(name string, input io.Reader) (*Promotion, error) {
	r := newReader(name, Strict)
	return r.promotion(r.parse(input))
}

// ErrCip says that a file is a manifest of cip, or a directory of them, which Load
// and LoadPath read.
var ErrCip = errors.New("a manifest of cip")

// LoadPromotionPath reads the promotion file at path as [LoadPromotion] does.
func LoadPromotionPath(path string) (*Promotion, error) {
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", path, ErrCip))
	}
	r := newReader(path, Strict)
	return r.promotion(r.open())
}

// promotion reads the root of a promotion file.
func (r *reader) promotion(root *yaml.Node) (*Promotion, error) {
	p := &promotionReader{reader: r}
	p.Name, p.positions, p.Keep = r.name, map[string]Position{}, KeepNever
	p.Source.Label = true
	if root != nil && isCip(root) && !isPromotion(root) {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", r.name, ErrCip))
	}
	if root != nil {
		p.fields(root, "a promotion file", p.located(p.keys()))
		p.readOptional()
	}
	p.inherit()
	if len(r.errors) == 0 {
		p.assume()
		r.errors = append(r.errors, p.contradictions()...)
	}
	if len(r.errors) > 0 {
		return nil, fault.New(fault.Input, r.errors.sorted())
	}
	return &p.Promotion, nil
}

// inherit gives keys that are not written what others say, wherever in the file
// those stand.
func (p *promotionReader) inherit() {
	if p.Images.Tripleo != nil && !p.prefix {
		p.Images.Prefix = p.Images.Tripleo.Prefix
	}
	for _, side := range p.sides {
		if !side.namespace {
			side.Namespace = p.Source.Namespace
		}
		p.Destinations = append(p.Destinations, side.Registry)
	}
}

// located notes where each key stands.
func (p *promotionReader) located(known map[string]func(*yaml.Node)) map[string]func(*yaml.Node) {
	for key, read := range known {
		known[key] = func(node *yaml.Node) {
			p.positions[key] = p.at(node)
			read(node)
		}
	}
	return known
}

// fieldsWith reads the keys of a mapping, which has to have those required.
func (p *promotionReader) fieldsWith(node *yaml.Node, what string, known map[string]func(*yaml.Node), required ...string) {
	seen := map[string]bool{}
	for key, read := range known {
		known[key] = func(node *yaml.Node) {
			seen[key] = true
			read(node)
		}
	}
	p.fields(node, what, known)
	for _, key := range required {
		if node.Kind == yaml.MappingNode && !seen[key] {
			p.reject(p.at(node), "%s has no %s", what, key)
		}
	}
}

// keys has a reader for each key of a promotion file.
func (p *promotionReader) keys() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"source":         func(node *yaml.Node) { p.Source = p.side(node, "source", (*sideReader).keysOfSide).Registry },
		"destinations":   p.readDestinations,
		"images":         func(node *yaml.Node) { p.fields(node, "images", p.keysOfImages()) },
		"hash":           p.readHash,
		"label":          func(node *yaml.Node) { p.Label = p.tag(node, "label") },
		"rollback-label": p.readRollbackLabel,
		"platforms":      p.readPlatforms,
		"optional":       func(node *yaml.Node) { p.optional = p.items(node, "optional") },
		"index":          func(node *yaml.Node) { p.Index = choice(p.reader, node, "index", CopyIndex, AssembleIndex, MergeIndex) },
		"index-tag":      p.readIndexTag,
		"format":         func(node *yaml.Node) { p.Format = choice(p.reader, node, "format", "oci", "docker") },
		"label-names": func(node *yaml.Node) {
			p.LabelsIndex = choice(p.reader, node, "label-names", "image", "index") == "index"
		},
		"tag-policy":     p.readTagPolicy,
		"gate":           p.readGate,
		"keep":           func(node *yaml.Node) { p.Keep = choice(p.reader, node, "keep", KeepNever, KeepOnFailure, KeepAlways) },
		"keep-directory": func(node *yaml.Node) { p.KeepDirectory, _ = p.word(node, "keep-directory") },
	}
}

// choice gives one of the words that are known, or "".
func choice[T ~string](r *reader, node *yaml.Node, what string, known ...T) T {
	word, ok := r.word(node, what)
	if !ok || slices.Contains(known, T(word)) {
		return T(word)
	}
	words := make([]string, len(known))
	for i, one := range known {
		words[i] = string(one)
	}
	near := "it is " + strings.Join(words, ", ")
	if nearest(word, words) != "" {
		near = meant(word, words)
	}
	r.reject(r.at(node), "%s cannot be %q; %s", what, word, near)
	return ""
}

// tag gives a text that is a tag, or "".
func (p *promotionReader) tag(node *yaml.Node, what string) string {
	if text, ok := p.word(node, what); ok && p.isTag(node, text) {
		return text
	}
	return ""
}

func (p *promotionReader) readHash(node *yaml.Node) {
	if node.Kind == yaml.MappingNode {
		p.fields(node, "hash", p.keysOfHash())
	} else {
		p.Hash.Value = p.tag(node, "hash")
	}
	if p.Hash.Value != "" && p.Hash.DLRN != nil {
		p.reject(p.at(node), "hash has a value and dlrn; keep one of them")
	}
}

func (p *promotionReader) keysOfHash() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"value": func(node *yaml.Node) { p.Hash.Value = p.tag(node, "hash.value") },
		"dlrn": func(node *yaml.Node) {
			p.Hash.DLRN = &DLRN{}
			p.fieldsWith(node, "hash.dlrn", p.keysOfDLRN(), "url", "promote-name")
		},
	}
}

func (p *promotionReader) keysOfDLRN() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"url":          func(node *yaml.Node) { p.Hash.DLRN.URL = strings.TrimRight(p.address(node, "hash.dlrn.url"), "/") },
		"promote-name": func(node *yaml.Node) { p.Hash.DLRN.PromoteName, _ = p.word(node, "hash.dlrn.promote-name") },
	}
}
