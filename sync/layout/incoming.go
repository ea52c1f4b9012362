package layout

import (
	"errors"
	"hash"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Incoming is a blob that is being written as it comes by.
type Incoming struct {
	file  *os.File
	final string
	d     v1.Descriptor
	sum   hash.Hash
	size  int64
}

// Create begins a blob. Whoever does so closes it.
func (l *Layout) Create(d v1.Descriptor) (*Incoming, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, err
	}
	final := filepath.Join(l.path, filepath.FromSlash(blobFile(d.Digest)))
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(l.path, temporary+"*")
	if err != nil {
		return nil, err
	}
	return &Incoming{file: file, final: final, d: d, sum: d.Digest.Algorithm().Hash()}, nil
}

// Write adds bytes.
func (in *Incoming) Write(p []byte) (int, error) {
	n, err := in.file.Write(p)
	_, _ = in.sum.Write(p[:n]) // a hash never fails
	in.size += int64(n)
	return n, err
}

// Close ends the blob. It is there from now on if its bytes are those of its
// digest, and else never was.
func (in *Incoming) Close() error {
	err := in.file.Close()
	sum := digest.NewDigest(in.d.Digest.Algorithm(), in.sum)
	whole := sum == in.d.Digest && (in.d.Size < 0 || in.d.Size == in.size)
	if err == nil && whole {
		err = os.Rename(in.file.Name(), in.final)
	}
	if err != nil || !whole {
		err = errors.Join(err, os.Remove(in.file.Name()))
	}
	return err
}
