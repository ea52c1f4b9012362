package image

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/daemon"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/transport"
)

// Name is what an image is called inside a place: a path, and a tag or a
// digest. Only outside of registries there may be neither.
type Name struct {
	Path   string
	Tag    string
	Digest digest.Digest
}

// String is path:tag or path@digest.
func (n Name) String() string {
	if n.Digest != "" {
		return n.Path + "@" + n.Digest.String()
	}
	if n.Tag == "" {
		return n.Path
	}
	return n.Path + ":" + n.Tag
}

// Place is where images are kept: a registry, a directory, a layout, an
// archive, a store.
type Place interface {
	// Location is where the place keeps the image of that name. The error has the
	// kind input where the place can have none of that name.
	Location(name Name) (Location, error)
	// Connect opens a connection, where writing needs one and reading from source
	// opens none that does.
	Connect(ctx context.Context, source *registry.Repository)
	// String is the place as users write it, "docker://q.io/mirror".
	String() string
	// Complete gives what was written as a whole its name. A place that is
	// always written anew stays as it is, and says so, where some of its images
	// have failed.
	Complete(ctx context.Context, failed int) error
	// Discard drops what was begun, when no image came about.
	Discard() error
}

// Access is what opening a place needs.
type Access struct {
	Client *registry.Client
	// Registry is how the place's registry is reached.
	Registry transport.Access
	// System configures the library's own transports.
	System *types.SystemContext
}

// Open opens a place by its name: docker://HOST[/PATH], dir:PATH, oci:PATH,
// oci-archive:FILE, docker-archive:FILE, containers-storage:[PREFIX] or
// docker-daemon:[PREFIX]. Nothing is written before an image is.
func Open(name string, access Access) (Place, error) {
	transport, rest, found := strings.Cut(name, ":")
	place := place{shown: name, path: rest, system: access.System}
	if open, known := places[transport]; found && known {
		if rest == "" && transport != "containers-storage" && transport != "docker-daemon" {
			return nil, fault.New(fault.Input, fmt.Errorf("%q names no path after %q", name, transport+":"))
		}
		return open(place)
	}
	if transport == "docker" && strings.HasPrefix(rest, "//") {
		return openRegistry(place, access)
	}
	return nil, fault.New(fault.Input, fmt.Errorf(
		"%q is not a place for images; docker://HOST[/PATH], dir:PATH, oci:PATH, oci-archive:FILE, docker-archive:FILE, containers-storage:[PREFIX] and docker-daemon:[PREFIX] are", name))
}

var places = map[string]func(place) (Place, error){
	"dir":                func(p place) (Place, error) { return directories{p}, nil },
	"oci":                openLayout,
	"oci-archive":        openOCIArchive,
	"docker-archive":     openDockerArchive,
	"containers-storage": func(p place) (Place, error) { return store{p, storage.Transport}, nil },
	"docker-daemon":      func(p place) (Place, error) { return store{p, daemon.Transport}, nil },
}

// place is what all places have.
type place struct {
	shown, path string
	system      *types.SystemContext
}

func (p place) String() string                                { return p.shown }
func (p place) Connect(context.Context, *registry.Repository) {}
func (p place) Complete(context.Context, int) error           { return nil }
func (p place) Discard() error                                { return nil }

// registries is a registry, or a path in one.
type registries struct {
	place
	access Access
}

func openRegistry(p place, access Access) (Place, error) {
	p.path = strings.TrimRight(strings.TrimPrefix(p.path, "//"), "/")
	// A registry alone is no reference; any repository in it tells whether it
	// parses.
	if _, err := reference.ParseNormalizedNamed(p.path + "/x"); p.path == "" || err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%q is not docker://HOST[:PORT][/PATH]", p.shown))
	}
	return registries{p, access}, nil
}

func (p registries) Location(name Name) (Location, error) {
	if strings.Contains(name.Path, ":") {
		return Location{}, fault.WithRemedy(fault.Input, fmt.Errorf("%s/%s: a port cannot be part of a repository's path", p.shown, name),
			"use --dest-path path, or destination: in the source file")
	}
	named, err := reference.ParseNormalizedNamed(path.Join(p.path, name.Path) + strings.TrimPrefix(name.String(), name.Path))
	if err != nil {
		return Location{}, fault.New(fault.Input, fmt.Errorf("%s/%s: %w", p.shown, name, err))
	}
	ref, err := docker.NewReference(named)
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	repository, err := p.access.Client.Destination(reference.TrimNamed(named), p.access.Registry)
	if err != nil {
		return Location{}, err
	}
	return Location{Reference: ref, Repository: repository}, nil
}

// Connect connects to the registry by way of any of its repositories.
func (p registries) Connect(ctx context.Context, source *registry.Repository) {
	any, err := p.Location(Name{Path: "any", Tag: "any"})
	if err == nil && !any.Repository.SameRegistry(source) {
		any.Repository.Connect(ctx)
	}
}

// directories keeps every image in a directory of its own.
type directories struct{ place }

func (p directories) Location(name Name) (Location, error) {
	path := filepath.Join(p.path, name.String())
	obstacle := func(replace bool) error {
		if replace {
			return replaceable(path)
		}
		return absent(path)
	}
	ref, err := directoryReference(path)
	return Location{Reference: ref, System: p.system, obstacle: obstacle}, err
}

// store is podman's store, or a Docker daemon's.
type store struct {
	place
	transport types.ImageTransport
}

func (p store) Location(name Name) (Location, error) {
	full := name.String()
	switch {
	case strings.HasSuffix(p.path, "]"): // only containers-storage's [driver@root]
		full = p.path + full
	case p.path != "":
		full = strings.TrimRight(p.path, "/") + "/" + full
	}
	ref, err := p.transport.ParseReference(full)
	if err != nil {
		return Location{}, fault.New(fault.Input, fmt.Errorf("%s:%s: %w", p.transport.Name(), full, err))
	}
	return Location{Reference: ref, System: p.system}, nil
}
