package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	dockerarchive "go.podman.io/image/v5/docker/archive"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// dockerArchive is a tar file as docker save writes it. Its format cannot be
// added to, so every run writes it anew, and replaces the old one only by one
// that has every image.
type dockerArchive struct {
	place
	temporary string
	writer    *dockerarchive.Writer
	mu        sync.Mutex
}

func openDockerArchive(p place) (Place, error) {
	if err := existing(filepath.Dir(p.path)); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", p.shown, err))
	}
	return &dockerArchive{place: p}, nil
}

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
	open := func() (types.ImageReference, error) {
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
	if err = file.Close(); err == nil {
		p.writer, err = dockerarchive.NewWriter(p.system, p.temporary)
	}
	if err != nil {
		return errors.Join(err, os.Remove(p.temporary))
	}
	return nil
}

func (p *dockerArchive) Complete(failed int) error {
	if failed > 0 {
		err := fmt.Errorf("archive not replaced, because %d of its images failed", failed)
		return errors.Join(fault.New(fault.Cancelled, err), p.Discard())
	}
	if err := p.writer.Close(); err != nil {
		return errors.Join(err, p.remove())
	}
	return install(p.temporary, p.path)
}

// Discard ignores what keeps the writer from completing what is not wanted.
func (p *dockerArchive) Discard() error {
	if p.writer == nil {
		return nil
	}
	_ = p.writer.Close()
	return p.remove()
}

// remove removes the temporary file, unless the writer has done so: it does where
// no image came about.
func (p *dockerArchive) remove() error {
	if err := os.Remove(p.temporary); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
