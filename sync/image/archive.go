package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	dockerarchive "go.podman.io/image/v5/docker/archive"
	"go.podman.io/image/v5/docker/reference"
	ociarchive "go.podman.io/image/v5/oci/archive"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage/pkg/archive"
	"go.podman.io/storage/pkg/idtools"

	"csync/sync/fault"
)

// ociArchive is a tar file with one OCI image layout for all images. It is
// worked on as a layout in a temporary directory, starting from what the file
// has, and packed when the place is closed.
type ociArchive struct {
	place
	unpacked  func() (string, error) // makes the layout when it is first needed
	directory string                 // the layout, once it is there
	mu        sync.Mutex
}

func openOCIArchive(p place) (Place, error) {
	if err := writable(filepath.Dir(p.path)); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", p.shown, err))
	}
	a := &ociArchive{place: p}
	a.unpacked = sync.OnceValues(a.unpack)
	return a, nil
}

func (p *ociArchive) unpack() (string, error) {
	directory, err := os.MkdirTemp("", "csync-oci-")
	if err != nil {
		return "", fmt.Errorf("creating a temporary layout: %w", err)
	}
	p.directory = directory
	file, err := os.Open(p.path)
	if os.IsNotExist(err) {
		return directory, nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	if err := archive.NewDefaultArchiver().Untar(file, directory, &archive.TarOptions{NoLchown: true}); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", p.path, err)
	}
	return directory, nil
}

func (p *ociArchive) Location(name Name) (Location, error) {
	ref, err := ociarchive.NewReference(p.path, name.String())
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	open := func(write bool) (types.ImageReference, error) {
		if _, err := os.Stat(p.path); os.IsNotExist(err) && !write {
			return ref, nil // which says that there is no such archive
		}
		directory, err := p.unpacked()
		if err != nil {
			return nil, err
		}
		return layout.NewReference(directory, name.String())
	}
	return Location{Reference: ref, System: p.system, exclusive: &p.mu, open: open}, nil
}

func (p *ociArchive) Close(write bool) error {
	if p.directory == "" {
		return nil
	}
	var err error
	if write {
		err = p.pack()
	}
	return errors.Join(err, os.RemoveAll(p.directory))
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

// dockerArchive is a tar file as docker save writes it. Its format cannot be
// added to, so every run writes it anew.
type dockerArchive struct {
	place
	temporary string
	writer    *dockerarchive.Writer
	mu        sync.Mutex
}

func openDockerArchive(p place) (Place, error) {
	if err := writable(filepath.Dir(p.path)); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", p.shown, err))
	}
	return &dockerArchive{place: p}, nil
}

func (p *dockerArchive) Single() bool { return true }

func (p *dockerArchive) Location(name Name) (Location, error) {
	named, err := reference.ParseNormalizedNamed(name.String())
	tagged, ok := named.(reference.NamedTagged)
	if err != nil || !ok {
		return Location{}, fault.New(fault.Unsupported, fmt.Errorf("%s: docker-archive keeps tags, and %q is none", p.shown, name))
	}
	ref, err := dockerarchive.NewReference(p.path, tagged)
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	open := func(write bool) (types.ImageReference, error) {
		if !write {
			return ref, nil
		}
		if p.writer == nil {
			if err := p.create(); err != nil {
				return nil, err
			}
		}
		return p.writer.NewReference(tagged)
	}
	return Location{Reference: ref, System: p.system, exclusive: &p.mu, open: open}, nil
}

func (p *dockerArchive) create() error {
	file, err := os.CreateTemp(filepath.Dir(p.path), ".csync-*.tar")
	if err != nil {
		return err
	}
	p.temporary = file.Name()
	if err := file.Close(); err != nil {
		return err
	}
	p.writer, err = dockerarchive.NewWriter(p.system, p.temporary)
	return err
}

func (p *dockerArchive) Close(write bool) error {
	if p.writer == nil {
		return nil
	}
	err := p.writer.Close()
	if write && err == nil {
		err = os.Rename(p.temporary, p.path)
	}
	if write && err == nil {
		return nil
	}
	if removed := os.Remove(p.temporary); removed != nil && !os.IsNotExist(removed) {
		err = errors.Join(err, removed)
	} else if !write {
		return nil // what there was to complete is not wanted
	}
	return fmt.Errorf("completing %s: %w", p.shown, err)
}

// replaceFile has write fill a new file beside path, and only when that has
// worked gives it path's name.
func replaceFile(path string, write func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".csync-*")
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}

// writable refuses a directory that does not exist, before anything is copied
// into a file that could not be put there.
func writable(directory string) error {
	stat, err := os.Stat(directory)
	if err == nil && !stat.IsDir() {
		err = fmt.Errorf("%s is not a directory", directory)
	}
	return err
}
