package plan

import (
	"fmt"
	"path"
	"strings"

	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/spec"
)

// PathMode says how much of a source's name an image keeps at the destination.
type PathMode string

// The path modes, as --dest-path names them.
const (
	PathName PathMode = "name" // the last element, as skopeo
	PathPath PathMode = "path" // the whole repository path
	PathFull PathMode = "full" // that and the registry, as skopeo's --scoped

	// Where there is one level below a namespace, as at Quay, pubtools keeps the
	// repository ns/product as ns----product.
	PathFlat   PathMode = "flat"   // the whole path as one such element
	PathNested PathMode = "nested" // the last element as the path that it stands for
)

// slash stands for one in a flat name.
const slash = "----"

// Naming is how images are called at the destinations.
type Naming struct {
	Path PathMode
	// Suffix is appended to every tag, as skopeo's --append-suffix.
	Suffix string
}

// ParsePathMode reads --dest-path.
func ParsePathMode(s string) (PathMode, error) {
	switch mode := PathMode(s); mode {
	case PathName, PathPath, PathFull, PathFlat, PathNested:
		return mode, nil
	}
	return "", fault.New(fault.Input, fmt.Errorf("%q is not name, path, full, flat or nested", s))
}

// path is where the repository goes, relative to the destination.
func (n Naming) path(repository spec.Repository) string {
	switch {
	case repository.Destination != "":
		return repository.Destination
	case n.Path == PathFull:
		return repository.Name.Name()
	case n.Path == PathPath:
		return reference.Path(repository.Name)
	}
	name := path.Base(reference.Path(repository.Name))
	switch n.Path {
	case PathFlat:
		return strings.ReplaceAll(reference.Path(repository.Name), "/", slash)
	case PathNested:
		return strings.ReplaceAll(name, slash, "/")
	}
	return name
}

// name completes the path with tag or digest.
func (n Naming) name(path string, wanted wanted) (image.Name, error) {
	if wanted.destinationTag == "" && n.Suffix != "" {
		return image.Name{}, fault.New(fault.Input, fmt.Errorf("%s@%s: a suffix cannot be appended to a digest", path, wanted.digest))
	}
	if wanted.destinationTag == "" {
		return image.Name{Path: path, Digest: wanted.digest}, nil
	}
	return image.Name{Path: path, Tag: wanted.destinationTag + n.Suffix}, nil
}
