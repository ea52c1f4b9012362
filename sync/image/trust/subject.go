package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/image"
	"go.podman.io/image/v5/types"

	"csync/sync/registry"
)

// noImage is what a policy never asks of a types.ImageSource.
type noImage struct{}

var errNoBlobs = errors.New("only manifests and signatures are here")

func (noImage) Close() error               { return nil }
func (noImage) HasThreadSafeGetBlob() bool { return true }

func (noImage) GetBlob(context.Context, types.BlobInfo, types.BlobInfoCache) (io.ReadCloser, int64, error) {
	return nil, 0, errNoBlobs
}

func (noImage) LayerInfosForCopy(context.Context, *digest.Digest) ([]types.BlobInfo, error) {
	return nil, nil
}

// inDirectory has ask look at a manifest with all its signatures. Only the
// library's own transports can show it sigstore's; a directory of dir: is the
// least of them.
func inDirectory(ctx context.Context, m registry.Manifest, signatures []Signature, ask func(types.UnparsedImage) error) error {
	path, err := os.MkdirTemp("", "csync-signatures-")
	if err != nil {
		return fmt.Errorf("creating a temporary directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(path) }() // what it held is public
	if err := writeDirectory(path, m.Bytes, signatures); err != nil {
		return err
	}
	ref, err := directory.NewReference(path)
	if err != nil {
		return fmt.Errorf("opening a temporary directory: %w", err)
	}
	source, err := ref.NewImageSource(ctx, nil)
	if err != nil {
		return fmt.Errorf("opening a temporary directory: %w", err)
	}
	defer source.Close()
	return ask(image.UnparsedInstance(source, nil))
}

func writeDirectory(path string, manifest []byte, signatures []Signature) error {
	err := os.WriteFile(filepath.Join(path, "manifest.json"), manifest, 0o600)
	if err != nil {
		return fmt.Errorf("writing a temporary directory: %w", err)
	}
	return WriteDirectory(path, "", signatures)
}
