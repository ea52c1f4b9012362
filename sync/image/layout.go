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
	mu     sync.Mutex
	before before // what was at its path when it was first written to
}

// before is what was somewhere.
type before int

const (
	notLooked before = iota
	noDirectory
	emptyDirectory
	somethingElse
)

func (p *layouts) Location(name Name) (Location, error) {
	ref, err := layout.NewReference(p.path, name.String())
	begin := func() (types.ImageReference, error) { // while mu is held
		if p.before == notLooked {
			p.before = lookBefore(p.path)
		}
		return ref, nil
	}
	return Location{Reference: ref, System: p.system, exclusive: &p.mu, begin: begin}, err
}

func lookBefore(path string) before {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return noDirectory
	case err == nil && len(entries) == 0:
		return emptyDirectory
	}
	return somethingElse
}

// Discard removes what the library has begun where there was nothing: blobs that
// no index names.
func (p *layouts) Discard() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := os.Stat(filepath.Join(p.path, "index.json")); err == nil {
		return nil
	}
	switch p.before {
	case noDirectory:
		return os.RemoveAll(p.path)
	case emptyDirectory:
		return errors.Join(os.RemoveAll(filepath.Join(p.path, "blobs")), removeIfThere(filepath.Join(p.path, "oci-layout")))
	}
	return nil
}
