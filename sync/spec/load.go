package spec

import (
	"cmp"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

// Load reads one source file or cip manifest. name is used in positions only.
//
// The error is of kind input and wraps [Problems]: whatever is wrong, in one
// go. An input of more than 8 MB is refused without being parsed. An empty one
// asks for nothing, with a warning.
func Load(name string, input io.Reader, mode Mode) (*File, error) {
	r := newReader(name, mode)
	return r.file(name, r.sources(r.parse(input)))
}

// LoadPath reads the file at path as Load does, or the directory of thin cip
// manifests at path: path/manifests/NAME/promoter-manifest.yaml with
// path/images/NAME/images.yaml.
func LoadPath(path string, mode Mode) (*File, error) {
	r := newReader(path, mode)
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		return r.file(path, r.thinSources(path))
	}
	return r.file(path, r.sources(r.open()))
}

// Lint says what is wrong with an input, which is a promotion file if it has
// "source" or "destinations" at its top, and otherwise one that [Load] reads.
// The error is as that of Load, and of nothing but the input: what a flag may
// give, the hash and the label of a promotion, may be missing.
func Lint(name string, input io.Reader) error {
	r := newReader(name, Strict)
	return r.lint(r.parse(input))
}

// LintPath is [Lint] for the file at path, or the directory that [LoadPath]
// reads.
func LintPath(path string) error {
	if stat, err := os.Stat(path); err == nil && stat.IsDir() {
		_, err := LoadPath(path, Strict)
		return err
	}
	r := newReader(path, Strict)
	return r.lint(r.open())
}

func (r *reader) lint(root *yaml.Node) error {
	if !isPromotion(root) {
		_, err := r.file(r.name, r.sources(root))
		return err
	}
	p, err := r.promotion(root)
	if err != nil {
		return err
	}
	p.Label = cmp.Or(p.Label, "label")
	if p.Hash == (Hash{}) {
		p.Hash.Value = "hash"
	}
	return p.Check()
}

// isPromotion reports whether root is a promotion file: it has a key that no
// registry of a source file can be called.
func isPromotion(root *yaml.Node) bool {
	if root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(root.Content); i += 2 {
		if key := root.Content[i].Value; key == "source" || key == "destinations" {
			return true
		}
	}
	return false
}

// sources reads the root of a file, whichever of the shapes it has.
func (r *reader) sources(root *yaml.Node) []Source {
	switch {
	case root == nil:
		return nil
	case r.mode == Strict && isPromotion(root):
		r.refuse(r.at(root), "a promotion file; csync promote takes it")
		return nil
	case isCip(root):
		return r.cip(root)
	}
	var sources []Source
	for _, p := range r.pairs(root, "a source file") {
		if source, ok := r.source(p); ok {
			sources = append(sources, source)
		}
	}
	return sources
}

// isCip reports whether root is a cip manifest: one of its keys has a
// value that no registry of a source file can have.
func isCip(root *yaml.Node) bool {
	for i := 0; i+1 < len(root.Content); i += 2 {
		value := root.Content[i+1]
		switch root.Content[i].Value {
		case "registries", "images", "src-registry", "renames":
			if value.Kind == yaml.SequenceNode || value.Kind == yaml.ScalarNode && !isNull(value) {
				return root.Kind == yaml.MappingNode
			}
		}
	}
	return false
}
