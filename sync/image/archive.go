package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	ociarchive "go.podman.io/image/v5/oci/archive"
	"go.podman.io/storage/pkg/archive"
	"go.podman.io/storage/pkg/idtools"

	"csync/sync/fault"
	"csync/sync/layout"
)

// ociArchive is a tar file with one OCI image layout for all images. What it has
// is read in its index; it is written as a layout in a temporary directory,
// starting from what the file has, and packed when the place is completed.
type ociArchive struct {
	*collection
	layout *layout.Layout
}

func openOCIArchive(p place) (Place, error) {
	packed := layout.Archive(p.path, Temporary(p.system))
	c, err := collect(p, func(directory string) error {
		err := unpack(p.path, directory)
		packed.Unpacked(directory)
		return err
	})
	return &ociArchive{c, packed}, err
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

func (p *ociArchive) Location(name Name) (Location, error) { return p.named(name.String()) }

func (p *ociArchive) named(name string) (Location, error) {
	ref, err := ociarchive.NewReference(p.path, name)
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	l := p.location(ref, name, nil)
	l.inside = insideOf(p.layout, name, p.named).destination()
	return l, nil
}

func (p *ociArchive) Complete(context.Context, int) error {
	err := errors.Join(storageFault(p.pack()), p.Discard())
	p.layout.Packed(Temporary(p.system))
	return err
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
