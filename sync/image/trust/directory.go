package trust

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// WriteDirectory adds the signatures of an image, or with a digest of an
// instance, to an image's directory as dir: has it.
func WriteDirectory(path string, instance digest.Digest, signatures []Signature) error {
	for i, signature := range signatures {
		if err := os.WriteFile(filepath.Join(path, directoryName(instance, i)), signature, 0o644); err != nil {
			return fmt.Errorf("writing signature: %w", err)
		}
	}
	return nil
}

// Directory is a [Store]: an image's directory as dir: has it.
type Directory struct {
	Path string
	Top  digest.Digest // of the manifest that is the directory's own
}

// Signatures are those of the image, or of one of its instances.
func (d Directory) Signatures(_ context.Context, of digest.Digest) ([]Signature, error) {
	if of == d.Top {
		of = ""
	}
	var all []Signature
	for i := range maxSignatures {
		content, err := os.ReadFile(filepath.Join(d.Path, directoryName(of, i)))
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading signature: %w", err)
		}
		all = append(all, content)
	}
	return all, nil
}

// Possible reports whether there is any signature.
func (d Directory) Possible() bool {
	found, err := filepath.Glob(filepath.Join(escape(d.Path), "*signature-*"))
	return err != nil || len(found) > 0
}

// directoryName is where dir: keeps the signature with that index.
func directoryName(instance digest.Digest, index int) string {
	if instance == "" {
		return fmt.Sprintf("signature-%d", index+1)
	}
	prefix := instance.Encoded()
	if instance.Algorithm() != digest.Canonical {
		prefix = instance.Algorithm().String() + "-" + prefix
	}
	return fmt.Sprintf("%s.signature-%d", prefix, index+1)
}
