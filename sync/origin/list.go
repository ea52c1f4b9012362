package origin

import (
	"context"
	"errors"
	"strings"

	"csync/sync/spec"
)

var errNoImages = errors.New("names no image")

// readFile wants the images that a text file names.
func (f *finder) readFile(ctx context.Context, hash string) error {
	location := place(f.Images.File, hash)
	content, err := f.text(ctx, location)
	if err != nil {
		return err
	}
	names, line, err := parseList(string(content))
	if err != nil {
		return at(location, line, err)
	}
	f.add(names)
	return nil
}

// parseList reads a name a line, up to a # and without the space around it. An
// error is about a line, or about all.
func parseList(text string) (names []string, line int, err error) {
	for number, one := range strings.Split(text, "\n") {
		name, _, _ := strings.Cut(one, "#")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if err := spec.CheckImage(name); err != nil {
			return nil, number + 1, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, 0, errNoImages
	}
	return names, 0, nil
}
