package spec

import (
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

// sources reads the root of a file, whichever of the shapes it has.
func (r *reader) sources(root *yaml.Node) []Source {
	switch {
	case root == nil:
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
