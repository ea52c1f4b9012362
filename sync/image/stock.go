package image

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/docker/reference"
	ocilayout "go.podman.io/image/v5/oci/layout"
	imagestorage "go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage"

	"csync/sync/fault"
	"csync/sync/layout"
)

// Stock is all images of a place on this machine from which they can be removed: a
// layout, or podman's store. Images are known by their names there.
type Stock interface {
	// Names are the names of all images.
	Names() ([]string, error)
	// Look is the manifest of a name. The error has the kind not-found where there
	// is none.
	Look(ctx context.Context, name string) (v1.Descriptor, error)
	// Remove removes a name, and what none of the others needs.
	Remove(ctx context.Context, name string) error
}

// OpenStock opens the stock of oci:PATH or containers-storage:[STORE].
func OpenStock(name string, sys *types.SystemContext) (Stock, error) {
	transport, path, _ := strings.Cut(name, ":")
	switch transport {
	case "oci":
		return &layoutStock{path: path, system: sys}, nil
	case "containers-storage":
		return openStore(name, path, sys)
	case "docker-daemon":
		return nil, fault.WithRemedy(fault.Unsupported, fmt.Errorf("%s: nothing can be removed from a Docker daemon in this way", name), "docker rmi NAME")
	}
	return nil, fault.New(fault.Unsupported, fmt.Errorf("%s: nothing can be removed there, only at registries, in layouts and in podman's store", name))
}

// layoutStock is an OCI layout, whose names are annotations of its index.
type layoutStock struct {
	path   string
	system *types.SystemContext
	mu     sync.Mutex // held while the library reads or writes the index
}

func (s *layoutStock) Names() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := layout.Directory(s.path).Entries()
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	var names []string
	for _, d := range entries {
		if name := layout.Name(d); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, err
}

func (s *layoutStock) Look(ctx context.Context, name string) (v1.Descriptor, error) {
	location, err := namedIn(layout.Directory(s.path), ocilayout.Transport, s.path, s.system)(name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Look(ctx, location)
}

func (s *layoutStock) Remove(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return removed(layout.Directory(s.path).Withdraw(name))
}

// removed is the error of a removal; that something was not there is none.
func removed(err error) error {
	if err == nil || missing(err) {
		return nil
	}
	return kindOf(fmt.Errorf("deleting: %w", err))
}

// storeStock is podman's store.
type storeStock struct {
	storage.Store
	system *types.SystemContext
}

// storeForm is how containers-storage: names a store.
var storeForm = regexp.MustCompile(`^\[([^@\]]*)@([^+\]]+)\+([^:\]]+)(:[^\]]*)?\]`)

// openStore opens the store that path names in brackets, or else the user's.
func openStore(name, path string, sys *types.SystemContext) (Stock, error) {
	brackets := path[:strings.LastIndexByte(path, ']')+1]
	any, err := imagestorage.Transport.ParseReference(brackets + "any:any") // which opens it
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", name, err))
	}
	form := storeForm.FindStringSubmatch(any.StringWithinTransport())
	if form == nil {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("%s: which store that is cannot be told", name))
	}
	store, err := storage.GetStore(storage.StoreOptions{GraphDriverName: form[1], GraphRoot: form[2], RunRoot: form[3]})
	if err != nil {
		return nil, kindOf(fmt.Errorf("%s: %w", name, err))
	}
	return storeStock{store, sys}, nil
}

func (s storeStock) Names() ([]string, error) {
	images, err := s.Images()
	var names []string
	for _, image := range images {
		names = append(names, image.Names...)
	}
	return names, err
}

func (s storeStock) Look(ctx context.Context, name string) (v1.Descriptor, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return v1.Descriptor{}, fault.New(fault.Input, err)
	}
	ref, err := imagestorage.Transport.NewStoreReference(s.Store, reference.TagNameOnly(named), "")
	if err != nil {
		return v1.Descriptor{}, fault.New(fault.Input, err)
	}
	return Look(ctx, Location{Reference: ref, System: s.system})
}

// Remove takes the name from the image, and the image away with its last name:
// the library would take it away with any.
func (s storeStock) Remove(_ context.Context, name string) error {
	image, err := s.Image(name)
	if err != nil {
		return removed(err)
	}
	if len(image.Names) > 1 {
		return removed(s.RemoveNames(image.ID, []string{name}))
	}
	_, err = s.DeleteImage(image.ID, true)
	return removed(err)
}
