package image

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/directory"
	dockerarchive "go.podman.io/image/v5/docker/archive"
	"go.podman.io/image/v5/docker/reference"
	ociarchive "go.podman.io/image/v5/oci/archive"
	ocilayout "go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/transports/alltransports"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/layout"
)

// Named is an image of a place that is no registry, and what to call it.
type Named struct {
	Location Location
	Name     Name
	// Referrers says that the place has what refers to images, so that this is to
	// come with them.
	Referrers bool
}

// List finds the images of a place that is no registry, each with the name it
// has there: of a directory every image in the tree below it, of a layout or an
// archive what it names. An image of a store or a daemon is named whole.
func List(name string, sys *types.SystemContext) ([]Named, error) {
	transport, path, _ := strings.Cut(name, ":")
	list, known := lists[transport]
	if !known {
		return nil, fault.New(fault.Input, fmt.Errorf("%q is not a place that images can be read from", name))
	}
	images, err := list(path, sys)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("listing images of %s: %w", name, err))
	}
	for i := range images {
		images[i].Location.System = sys
	}
	return images, nil
}

var lists = map[string]func(path string, sys *types.SystemContext) ([]Named, error){
	"dir":                listDirectories,
	"oci":                listLayout(ocilayout.Transport),
	"docker-archive":     listDockerArchive,
	"oci-archive":        listLayout(ociarchive.Transport),
	"containers-storage": one("containers-storage:"),
	"docker-daemon":      one("docker-daemon:"),
}

// listDirectories walks the tree in lexical order. An image's name is its path
// below the top, with "latest" where that has no tag; an image has no others
// below it.
func listDirectories(top string, _ *types.SystemContext) ([]Named, error) {
	var images []Named
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(path, "manifest.json")); err != nil {
			return nil
		}
		relative, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		if relative == "." {
			relative = filepath.Base(path)
		}
		ref, err := directory.NewReference(path)
		if err != nil {
			return err
		}
		images = append(images, Named{Location: Location{Reference: ref}, Name: parseName(relative)})
		return fs.SkipDir
	})
	return images, err
}

// listLayout lists the images of a layout, packed or not. What refers to another
// image comes with that.
func listLayout(transport types.ImageTransport) func(string, *types.SystemContext) ([]Named, error) {
	return func(path string, sys *types.SystemContext) ([]Named, error) {
		l := reading[transport.Name()](path, sys)
		entries, err := l.Entries()
		if err != nil {
			return nil, err
		}
		listed, referred, err := l.Images()
		if err != nil {
			return nil, err
		}
		var images []Named
		named := namedIn(l, transport, path, sys)
		for _, d := range listed {
			location, err := named(layout.Name(d))
			if layout.Name(d) == "" {
				number := slices.IndexFunc(entries, func(entry v1.Descriptor) bool { return layout.Name(entry) == "" && entry.Digest == d.Digest })
				location, err = named("@" + strconv.Itoa(number))
				location.inside = &inside{Repository: l.Repository(""), identifier: d.Digest.String(), named: named}
			}
			if err != nil {
				return nil, err
			}
			images = append(images, Named{Location: location, Name: layoutName(strings.TrimSuffix(filepath.Base(path), ".tar"), d), Referrers: referred})
		}
		return images, nil
	}
}

// layoutName is what an image of a layout is called: by its annotation, which
// OCI means to be a tag, or by its digest.
func layoutName(layout string, d v1.Descriptor) Name {
	name := d.Annotations[v1.AnnotationRefName]
	switch {
	case name == "":
		return Name{Path: layout, Digest: d.Digest}
	case !strings.ContainsAny(name, ":/@"):
		return Name{Path: layout, Tag: name}
	}
	return parseName(name)
}

// dockerArchived are the images of a docker-archive, of which not all may have
// names.
func dockerArchived(path string, sys *types.SystemContext) ([]types.ImageReference, error) {
	reader, err := dockerarchive.NewReader(sys, path)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	listed, err := reader.List()
	return slices.Concat(listed...), err
}

func listDockerArchive(path string, sys *types.SystemContext) ([]Named, error) {
	listed, err := dockerArchived(path, sys)
	if err != nil {
		return nil, err
	}
	var images []Named
	for _, ref := range listed {
		named := ref.DockerReference()
		if named == nil {
			return nil, fmt.Errorf("%s has no name", ref.StringWithinTransport())
		}
		plain, err := dockerarchive.ParseReference(path + ":" + named.String())
		if err != nil {
			return nil, err
		}
		images = append(images, Named{Location: Location{Reference: plain}, Name: parseName(familiarPath(named) + suffix(named))})
	}
	return images, nil
}

// one lists the single image that a reference of the transport names.
func one(prefix string) func(string, *types.SystemContext) ([]Named, error) {
	return func(path string, _ *types.SystemContext) ([]Named, error) {
		ref, err := alltransports.ParseImageName(prefix + path)
		if err != nil {
			return nil, err
		}
		name := parseName(strings.TrimSuffix(filepath.Base(path), ".tar"))
		if named := ref.DockerReference(); named != nil {
			name = parseName(filepath.Base(reference.Path(named)) + suffix(named))
		}
		return []Named{{Location: Location{Reference: ref}, Name: name}}, nil
	}
}

// familiarPath is the path of a repository without what Docker adds to it.
func familiarPath(named reference.Named) string {
	return strings.TrimPrefix(reference.FamiliarName(named), reference.Domain(named)+"/")
}

// suffix is the tag or digest of a reference, with what is before it.
func suffix(named reference.Named) string {
	return strings.TrimPrefix(named.String(), named.Name())
}

// parseName splits path:tag or path@digest; a name without either is "latest".
func parseName(name string) Name {
	if path, sum, digested := strings.Cut(name, "@"); digested {
		return Name{Path: path, Digest: digest.Digest(sum)}
	}
	at := strings.LastIndexByte(name, ':')
	if at <= strings.LastIndexByte(name, '/') {
		return Name{Path: name, Tag: "latest"}
	}
	return Name{Path: name[:at], Tag: name[at+1:]}
}
