package layout

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// inDirectory are the files below a path.
type inDirectory string

func (d inDirectory) open(name string) (io.ReadCloser, fs.FileInfo, error) {
	file, err := os.Open(filepath.Join(string(d), filepath.FromSlash(name)))
	if err != nil {
		return nil, nil, err
	}
	stat, err := file.Stat()
	if err != nil {
		_ = file.Close() // it was only opened
		return nil, nil, err
	}
	return file, stat, nil
}

// blobFile is the file of a blob, whose digest is valid.
func blobFile(sum digest.Digest) string {
	return "blobs/" + sum.Algorithm().String() + "/" + sum.Encoded()
}
