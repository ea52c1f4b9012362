package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/types"
	"golang.org/x/sys/unix"

	"csync/sync/fault"
	"csync/sync/log"
)

// directoryToBe is a directory that is not there yet, or will be another one. The
// library has no reference for one whose parent is missing; replaceDirectory makes
// both.
type directoryToBe struct {
	types.ImageReference // of some other directory
	path                 string
}

func directoryReference(path string) (types.ImageReference, error) {
	root, err := directory.NewReference("/")
	return directoryToBe{root, path}, err
}

func (d directoryToBe) StringWithinTransport() string { return d.path }

// NewImageSource opens what may have been written since.
func (d directoryToBe) NewImageSource(ctx context.Context, sys *types.SystemContext) (types.ImageSource, error) {
	if _, err := os.Stat(d.path); err != nil {
		return nil, err
	}
	ref, err := directory.NewReference(d.path)
	if err != nil {
		return nil, err
	}
	return ref.NewImageSource(ctx, sys)
}

// replaceDirectory has write fill a new directory beside path, and only when
// that has worked gives it path's name. An image that was there before is
// replaced; any other directory is refused.
func replaceDirectory(ctx context.Context, path string, write func(types.ImageReference) error) error {
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
			log.From(ctx).Warnf("removing %s: %v", temporary, err)
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
	if err := exchange(fresh, path, filepath.Join(temporary, "old")); err != nil {
		return fmt.Errorf("replacing directory: %w", err)
	}
	return nil
}

// exchange gives fresh the name path in one step where the system can (Linux
// 3.15, not every file system), and otherwise keeps what was there as old until
// that has worked.
func exchange(fresh, path, old string) error {
	if unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE) == nil {
		return nil
	}
	missing := os.Rename(path, old)
	if missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		return missing
	}
	err := os.Rename(fresh, path)
	if err != nil && missing == nil {
		err = errors.Join(err, os.Rename(old, path))
	}
	return err
}

// absent refuses a path that exists already, in skopeo's words.
func absent(path string) error {
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return fault.New(fault.Conflict, fmt.Errorf("Refusing to overwrite destination directory %q", path))
}

// replaceable refuses a directory that is neither empty nor an image. As
// programs keep a file "version" too, its content counts.
func replaceable(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		return fault.New(fault.Conflict, fmt.Errorf("reading directory: %w", err))
	case err != nil:
		return storageFault(fmt.Errorf("reading directory: %w", err))
	}
	version, err := os.ReadFile(filepath.Join(path, "version"))
	if err != nil || !strings.HasPrefix(string(version), "Directory Transport Version: ") {
		return fault.New(fault.Conflict, fmt.Errorf("%s is not an image directory; it is not overwritten", path))
	}
	return nil
}

// storageFault finds the kind of what a file system refuses.
func storageFault(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.New(fault.Denied, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fault.WithRemedy(fault.Denied, err, "make room there")
	}
	return err
}
