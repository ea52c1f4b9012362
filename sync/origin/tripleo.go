package origin

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"csync/sync/spec"

	"go.yaml.in/yaml/v3"
)

// readTripleo wants the images of a tripleo containers file that the release
// builds itself, without those that it excludes.
func (f *finder) readTripleo(ctx context.Context, hash string) error {
	t := f.Images.Tripleo
	location := place(t.URL, hash)
	if location == "" {
		commit, err := f.commitOfTripleo(ctx, place(t.Versions, hash))
		if err != nil {
			return err
		}
		location = strings.Join([]string{t.BaseURL, commit, strings.TrimLeft(t.Path, "/")}, "/")
	}
	content, err := f.text(ctx, location)
	if err != nil {
		return err
	}
	names, line, err := parseContainers(content, t)
	if err != nil {
		return at(location, line, err)
	}
	f.add(names)
	if t.ExcludeFile != "" {
		return f.readExclusions(ctx, place(t.ExcludeFile, hash))
	}
	return nil
}

// containers is a tripleo containers file.
type containers struct {
	Images   []yaml.Node `yaml:"container_images"`
	Template yaml.Node   `yaml:"container_images_template"`
}

// container is one entry of it.
type container struct {
	Name   string `yaml:"imagename"`
	Source string `yaml:"image_source"`
}

// parseContainers gives the names, without the release's prefix, of the images
// that come from a wanted source. Those without the prefix, as Ceph's, are built
// by others. An error is about a line, or about all.
func parseContainers(content []byte, t *spec.Tripleo) (names []string, line int, err error) {
	var file containers
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, 0, fmt.Errorf("not a tripleo containers file: %w", err)
	}
	if len(file.Images) == 0 {
		if !file.Template.IsZero() {
			return nil, file.Template.Line, errors.New("a template of containers; the file that is made of it was meant")
		}
		return nil, 0, errors.New("not a tripleo containers file: it has no container_images")
	}
	for _, node := range file.Images {
		var entry container
		if err := node.Decode(&entry); err != nil {
			return nil, node.Line, fmt.Errorf("not an entry of container_images: %w", err)
		}
		if entry.Name == "" {
			return nil, node.Line, errors.New("an entry of container_images has no imagename")
		}
		name, ours := strings.CutPrefix(baseName(entry.Name), t.Prefix)
		if !ours || len(t.ImageSource) > 0 && !slices.Contains(t.ImageSource, entry.Source) {
			continue
		}
		if err := spec.CheckImage(name); err != nil {
			return nil, node.Line, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, 0, noneOf(t, len(file.Images))
	}
	return names, 0, nil
}

// noneOf says why nothing of a containers file is wanted.
func noneOf(t *spec.Tripleo, entries int) error {
	text := fmt.Sprintf("none of its %d images begins with %q", entries, t.Prefix)
	if len(t.ImageSource) > 0 {
		text += " and has the image_source " + strings.Join(t.ImageSource, " or ")
	}
	return errors.New(text)
}

// baseName is the last element of a reference's repository.
func baseName(reference string) string {
	name, _, _ := strings.Cut(path.Base(reference), ":")
	return name
}
