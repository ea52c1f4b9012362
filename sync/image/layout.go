package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/types"
)

// layouts is one OCI image layout for all images.
type layouts struct {
	place
	mu   sync.Mutex
	once sync.Once
	// absent and empty are what its path was when it was first written to.
	absent, empty bool
}

func (p *layouts) Location(name Name) (Location, error) {
	ref, err := layout.NewReference(p.path, name.String())
	begin := func() (types.ImageReference, error) {
		p.once.Do(func() {
			entries, err := os.ReadDir(p.path)
			p.absent, p.empty = errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0
		})
		return ref, nil
	}
	return Location{Reference: ref, System: p.system, exclusive: &p.mu, begin: begin}, err
}

// Discard removes what the library has begun where there was nothing: blobs that
// no index names.
func (p *layouts) Discard() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := os.Stat(filepath.Join(p.path, "index.json"))
	switch {
	case err == nil:
		return nil
	case p.absent:
		return os.RemoveAll(p.path)
	case p.empty:
		return errors.Join(os.RemoveAll(filepath.Join(p.path, "blobs")), removeIfThere(filepath.Join(p.path, "oci-layout")))
	}
	return nil
}
