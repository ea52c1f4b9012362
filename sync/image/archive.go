package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	ociarchive "go.podman.io/image/v5/oci/archive"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/storage/pkg/archive"
	"go.podman.io/storage/pkg/idtools"

	"csync/sync/fault"
)

// ociArchive is a tar file with one OCI image layout for all images. What it has
// is read in its index; it is written as a layout in a temporary directory,
// starting from what the file has, and packed when the place is completed.
type ociArchive struct {
	*collection
	index func() (v1.Index, error)
	read  *archived // what the file has, if somebody wanted to know
}

func openOCIArchive(p place) (Place, error) {
	c, err := collect(p, func(directory string) error { return unpack(p.path, directory) })
	return &ociArchive{collection: c, index: sync.OnceValues(func() (v1.Index, error) { return archivedIndex(p.path) })}, err
}

// unpack unpacks an archive that exists.
func unpack(path, directory string) error {
	file, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if err := archive.NewDefaultArchiver().Untar(file, directory, &archive.TarOptions{NoLchown: true}); err != nil {
		return fmt.Errorf("unpacking %s: %w", path, err)
	}
	return nil
}

func (p *ociArchive) Location(name Name) (Location, error) {
	ref, err := ociarchive.NewReference(p.path, name.String())
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	look := func(ctx context.Context) (v1.Descriptor, error) { return p.look(ctx, name.String()) }
	l := p.location(ref, name.String(), look)
	l.contents = func(ctx context.Context) (opened, error) { return p.contents(ctx, name.String()) }
	return l, nil
}

// look finds an image in what is written, or else in the file.
func (p *ociArchive) look(ctx context.Context, name string) (v1.Descriptor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.directory != "" {
		ref, err := layout.NewReference(p.directory, name)
		if err != nil {
			return v1.Descriptor{}, err
		}
		return lookInside(ctx, Location{Reference: ref, System: p.system})
	}
	index, err := p.index()
	if err != nil {
		return v1.Descriptor{}, lookFault(err)
	}
	for _, d := range index.Manifests {
		if d.Annotations[v1.AnnotationRefName] == name {
			return v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, nil
		}
	}
	return v1.Descriptor{}, fault.New(fault.NotFound, fmt.Errorf("%s has no image %q", p.shown, name))
}

// contents are those of an image in what is being written, or else in the file,
// which is read once for all of them.
func (p *ociArchive) contents(ctx context.Context, name string) (opened, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := os.Stat(p.directory); err == nil { // it is removed when the place is completed
		ref, err := layout.NewReference(p.directory, name)
		if err != nil {
			return opened{}, err
		}
		return Location{Reference: ref, System: p.system}.open(ctx)
	}
	if p.read == nil {
		read, err := readArchive(p.path)
		if err != nil {
			return opened{}, lookFault(err)
		}
		p.read = read
	}
	root, err := p.read.find(name)
	return opened{Source: archivedImage{p.read, root}}, err
}

func (p *ociArchive) Complete(context.Context, int) error {
	p.read = nil // which was what the file had before
	return errors.Join(storageFault(p.pack()), p.Discard())
}

func (p *ociArchive) pack() error {
	packed, err := archive.TarWithOptions(p.directory, &archive.TarOptions{
		Compression: archive.Uncompressed, ChownOpts: &idtools.IDPair{UID: 0, GID: 0},
	})
	if err != nil {
		return fmt.Errorf("packing %s: %w", p.shown, err)
	}
	defer packed.Close()
	return replaceFile(p.path, func(file *os.File) error {
		_, err := io.Copy(file, packed)
		return err
	})
}
