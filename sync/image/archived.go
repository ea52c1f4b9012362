package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/storage/pkg/archive"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// archived is what the layout in a tar file holds, from reading that once: the
// library would unpack it for every image.
type archived struct {
	index     v1.Index
	blobs     map[digest.Digest]weighed
	manifests map[digest.Digest][]byte
}

// weighed is what reading a blob has told.
type weighed struct {
	size int64
	got  digest.Digest // of its bytes
}

// maxManifest is in bytes, as at registries.
const maxManifest = 4 << 20

func readArchive(name string) (*archived, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	plain, err := archive.DecompressStream(file)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	a := &archived{blobs: map[digest.Digest]weighed{}, manifests: map[digest.Digest][]byte{}}
	entries := tar.NewReader(plain)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err == nil && header.Typeflag == tar.TypeReg {
			err = a.add(path.Clean(header.Name), entries)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
}

// add reads a file of the layout (OCI image layout, "Content").
func (a *archived) add(name string, file io.Reader) error {
	if name == "index.json" {
		return json.NewDecoder(io.LimitReader(file, maxIndex)).Decode(&a.index)
	}
	algorithm, encoded, _ := strings.Cut(strings.TrimPrefix(name, "blobs/"), "/")
	named := digest.NewDigestFromEncoded(digest.Algorithm(algorithm), encoded)
	if !strings.HasPrefix(name, "blobs/") || named.Validate() != nil {
		return nil
	}
	hash := named.Algorithm().Hash()
	start, err := io.ReadAll(io.TeeReader(io.LimitReader(file, maxManifest+1), hash))
	if err != nil {
		return err
	}
	rest, err := io.Copy(hash, file)
	if rest == 0 && bytes.Contains(start, []byte(`"schemaVersion"`)) {
		a.manifests[named] = start
	}
	a.blobs[named] = weighed{int64(len(start)) + rest, digest.NewDigest(named.Algorithm(), hash)}
	return err
}

// find is the descriptor of the image that the layout has under a name.
func (a *archived) find(name string) (v1.Descriptor, error) {
	for _, d := range a.index.Manifests {
		if d.Annotations[v1.AnnotationRefName] == name {
			return d, nil
		}
	}
	return v1.Descriptor{}, fault.New(fault.NotFound, fmt.Errorf("no image %q", name))
}

// archivedImage is one image of an archive. Its blobs have been read, and are
// not there to be read again.
type archivedImage struct {
	*archived
	root v1.Descriptor
}

func (i archivedImage) Manifest(_ context.Context, identifier string) (registry.Manifest, error) {
	d := digest.Digest(identifier)
	if identifier == "" {
		d = i.root.Digest
	}
	if _, err := i.weigh(v1.Descriptor{Digest: d}); err != nil {
		return registry.Manifest{}, fmt.Errorf("reading manifest %s: %w", d, err)
	}
	described, err := content.Describe(i.manifests[d])
	if identifier == "" && i.root.MediaType != "" {
		described.MediaType = i.root.MediaType
	}
	return registry.Manifest{Descriptor: described, Bytes: i.manifests[d]}, err
}

func (i archivedImage) Blob(_ context.Context, blob v1.Descriptor) (io.ReadCloser, error) {
	return nil, fault.New(fault.Internal, fmt.Errorf("blob %s of an archive cannot be read again", blob.Digest))
}

// weigh is the size of a blob.
func (i archivedImage) weigh(blob v1.Descriptor) (int64, error) {
	found, has := i.blobs[blob.Digest]
	switch {
	case !has:
		return 0, fault.New(fault.NotFound, errors.New("the archive does not have it"))
	case found.got != blob.Digest:
		return 0, fault.New(fault.DigestMismatch, fmt.Errorf("its bytes have digest %s", found.got))
	}
	return found.size, nil
}
