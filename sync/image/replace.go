package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// replaceFile has write fill a new file beside path, and only when that has
// worked gives it path's name.
func replaceFile(path string, write func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".csync-*")
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(err, removeIfThere(file.Name()))
	}
	return install(file.Name(), path)
}

// removeIfThere removes a file that the library may have removed.
func removeIfThere(path string) error {
	if err := os.Remove(path); !os.IsNotExist(err) {
		return err
	}
	return nil
}

// install gives a file that is complete, and on the disk, the name path and the
// mode of the file that had it. It removes the file where that fails.
func install(temporary, path string) error {
	mode := os.FileMode(0o644)
	if old, err := os.Stat(path); err == nil {
		mode = old.Mode().Perm()
	}
	err := flush(temporary, mode)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}

func flush(path string, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(mode), file.Sync(), file.Close())
}

// existing refuses a directory that does not exist, before anything is copied
// into a file that could not be put there.
func existing(directory string) error {
	stat, err := os.Stat(directory)
	if err == nil && !stat.IsDir() {
		err = fmt.Errorf("%s is not a directory", directory)
	}
	return err
}
