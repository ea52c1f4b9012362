package spec

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

const (
	manifestFile = "promoter-manifest.yaml"
	imagesFile   = "images.yaml"
)

// thinSources reads a directory of thin manifests: each names its registries
// only, and its images are in a file apart.
func (r *reader) thinSources(directory string) []Source {
	r.manifest = true
	var sources []Source
	for _, path := range r.thinManifests(filepath.Join(directory, "manifests")) {
		name := filepath.Base(filepath.Dir(path))
		images := r.beside(filepath.Join(directory, "images", name, imagesFile))
		if source, ok := r.beside(path).thin(images); ok {
			sources = append(sources, source)
		}
	}
	return sources
}

// thinManifests lists root/NAME/promoter-manifest.yaml, sorted.
func (r *reader) thinManifests(root string) []string {
	var manifests []string
	expected := filepath.Join(root, "NAME", manifestFile)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() || entry.Name() != manifestFile:
		case filepath.Dir(filepath.Dir(path)) != root:
			r.reject(Position{File: path}, "a manifest at an unexpected path; %s was meant", expected)
		default:
			manifests = append(manifests, path)
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(manifests) == 0:
		r.refuse(Position{File: r.name}, "no manifests found; %s was meant", expected)
	case err != nil:
		r.unreadable(err)
	}
	return manifests
}

// thin reads a thin manifest and its images. It is not ok if the manifest
// cannot be used.
func (r *reader) thin(images *reader) (source Source, ok bool) {
	m := &manifest{reader: r, root: &yaml.Node{Kind: yaml.MappingNode}}
	unreadable := r.rejects(func() { m.root = cmp.Or(r.open(), m.root) })
	if !unreadable {
		source, ok = m.read()
	}
	if m.images != nil {
		r.reject(r.at(m.images), "a thin manifest lists images; %s was meant for them", images.name)
	}
	if list := images.open(); list != nil {
		source.Repositories = images.cipImages(source.Registry, list, true)
	}
	return source, ok
}
