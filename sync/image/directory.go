package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sirupsen/logrus"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// absentDirectory is a directory whose parent is not there yet, which the
// library has no reference for; replaceDirectory makes both.
type absentDirectory struct {
	types.ImageReference // of some other directory
	path                 string
}

func (d absentDirectory) StringWithinTransport() string { return d.path }

func (d absentDirectory) NewImageSource(context.Context, *types.SystemContext) (types.ImageSource, error) {
	return nil, &fs.PathError{Op: "open", Path: d.path, Err: fs.ErrNotExist}
}

// directoryReference is the dir: reference of path, whatever of it exists.
func directoryReference(path string) (types.ImageReference, error) {
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		return directory.NewReference(path)
	}
	root, err := directory.NewReference("/")
	return absentDirectory{root, path}, err
}

// replaceDirectory has write fill a new directory beside path, and only when
// that has worked gives it path's name. An image that was there before is
// replaced; any other directory is refused.
func replaceDirectory(path string, write func(types.ImageReference) error) error {
	if err := replaceable(path); err != nil {
		return err
	}
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("creating directory: %w", err)
	}
	temporary, err := os.MkdirTemp(parent, ".csync-*")
	if err != nil {
		return fmt.Errorf("creating directory: %w", err)
	}
	defer func() {
		if err := os.RemoveAll(temporary); err != nil {
			logrus.Warnf("removing %s: %v", temporary, err)
		}
	}()
	fresh := filepath.Join(temporary, "new")
	ref, err := directory.NewReference(fresh)
	if err != nil {
		return err
	}
	if err := write(ref); err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(temporary, "old")); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("replacing directory: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("replacing directory: %w", err)
	}
	return nil
}

// replaceable refuses a directory that is neither empty nor an image, as the
// library does.
func replaceable(path string) error {
	entries, err := os.ReadDir(path)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(path, "version")); err != nil {
		return fault.New(fault.Conflict, fmt.Errorf("%s is not an image directory; it is not overwritten", path))
	}
	return nil
}
