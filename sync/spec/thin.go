package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"csync/sync/fault"

	"go.yaml.in/yaml/v3"
)

const (
	manifestFile = "promoter-manifest.yaml"
	imagesFile   = "images.yaml"
)

// loadThin reads a directory of thin manifests: each names its registries only,
// and its images are in a file apart.
func loadThin(directory string, mode Mode) (*File, error) {
	f := &findings{mode: mode}
	manifests, err := f.thinManifests(directory)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading thin manifests: %w", err))
	}
	var sources []Source
	for _, path := range manifests {
		name := filepath.Base(filepath.Dir(path))
		source, ok, err := f.thin(path, filepath.Join(directory, "images", name, imagesFile))
		if err != nil {
			return nil, err
		}
		if ok {
			sources = append(sources, source)
		}
	}
	return f.file(directory, sources)
}

// thinManifests lists directory/manifests/NAME/promoter-manifest.yaml, sorted.
func (f *findings) thinManifests(directory string) ([]string, error) {
	root := filepath.Join(directory, "manifests")
	var manifests []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() || entry.Name() != manifestFile:
		case filepath.Dir(filepath.Dir(path)) != root:
			f.reject(Position{File: path}, "a manifest at an unexpected path; %s was meant", filepath.Join(root, "NAME", manifestFile))
		default:
			manifests = append(manifests, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(manifests) == 0 {
		f.refuse(Position{File: directory}, "no manifests found; %s was meant", filepath.Join(root, "NAME", manifestFile))
		return nil, nil
	}
	return manifests, err
}

// thin reads one thin manifest and its images file. It is not ok if the
// manifest cannot be used.
func (f *findings) thin(manifestPath, imagesPath string) (source Source, ok bool, err error) {
	r, root, err := f.open(manifestPath)
	if err != nil {
		return Source{}, false, err
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode}
	}
	m := &manifest{reader: r, root: root}
	source, ok = m.read()
	if m.images != nil {
		r.reject(r.at(m.images), "a thin manifest lists images; %s was meant for them", imagesPath)
	}
	images, list, err := f.open(imagesPath)
	if err != nil {
		return Source{}, false, err
	}
	if list != nil {
		source.Repositories = images.cipImages(source.Registry, list, true)
	}
	return source, ok, nil
}

// open parses the file at path. The root is nil if it is empty or no YAML.
func (f *findings) open(path string) (*reader, *yaml.Node, error) {
	r := &reader{findings: f, name: path}
	input, err := os.Open(path)
	if err != nil {
		return nil, nil, fault.New(fault.Input, fmt.Errorf("reading thin manifests: %w", err))
	}
	defer input.Close()
	content, err := readAll(path, input)
	if err != nil {
		return nil, nil, err
	}
	return r, r.parse(content), nil
}
