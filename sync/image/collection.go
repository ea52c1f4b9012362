package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	ocilayout "go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// collection is what both kinds of archive are until they are completed: a layout
// in a temporary directory.
type collection struct {
	place
	begun func() (string, error) // makes the layout for the first image

	mu        sync.Mutex // held while the layout is written to
	directory string     // the layout, once it is there
}

// collect begins the collection of an archive's images once there is one; fill
// puts into it what the archive has.
func collect(p place, fill func(directory string) error) (*collection, error) {
	if err := existing(filepath.Dir(p.path)); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", p.shown, err))
	}
	c := &collection{place: p}
	c.begun = sync.OnceValues(func() (string, error) {
		directory, err := os.MkdirTemp(Temporary(p.system), "csync-layout-")
		if err != nil {
			return "", fmt.Errorf("creating a temporary layout: %w", err)
		}
		c.directory = directory
		return directory, fill(directory)
	})
	return c, nil
}

// location is that of an image of the archive, by its name in the layout.
func (c *collection) location(ref types.ImageReference, name string, look func(context.Context) (v1.Descriptor, error)) Location {
	begin := func() (types.ImageReference, error) {
		directory, err := c.begun()
		if err != nil {
			return nil, err
		}
		return ocilayout.NewReference(directory, name)
	}
	return Location{Reference: ref, System: c.system, exclusive: &c.mu, begin: begin, look: look}
}

// Discard removes what was collected.
func (c *collection) Discard() error {
	if c.directory == "" {
		return nil
	}
	return os.RemoveAll(c.directory)
}
