package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// output is a file that a run writes, and the flag that names it.
type output struct{ is, path string }

// check refuses a path that cannot be written, as far as that is known before.
// It writes nothing.
func (o output) check() error {
	switch o.path {
	case "":
		return fmt.Errorf("%s names no file", o.is)
	case "-":
		return fmt.Errorf("%s - is no file; standard output has the report in any case, and ./- is a file of that name", o.is)
	}
	stat, err := os.Stat(o.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.checkDirectory()
	case err != nil:
		return fmt.Errorf("%s cannot be written: %w", o.path, err)
	case stat.IsDir():
		return fmt.Errorf("%s cannot be written: it is a directory", o.path)
	case stat.Mode().IsRegular() && o.is == "--report":
		return o.checkDirectory() // where a new one takes its place
	}
	if err := unix.Access(o.path, unix.W_OK); err != nil {
		return fmt.Errorf("%s cannot be written: %w", o.path, err)
	}
	return nil
}

// checkDirectory refuses a directory in which no file can be made.
func (o output) checkDirectory() error {
	directory := filepath.Dir(resolve(o.path))
	if stat, err := os.Stat(directory); err != nil || !stat.IsDir() {
		return fmt.Errorf("%s cannot be written: there is no directory %s", o.path, filepath.Dir(o.path))
	}
	if err := unix.Access(directory, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("%s cannot be written: %s: %w", o.path, directory, err)
	}
	return nil
}

// sameFile reports whether two paths lead to one file, there already or not.
func sameFile(a, b string) bool {
	first, firstErr := os.Stat(a)
	second, secondErr := os.Stat(b)
	if firstErr == nil && secondErr == nil {
		return os.SameFile(first, second)
	}
	return resolve(a) == resolve(b)
}

// resolve is where a path leads, absolute and without links, also where there is
// nothing yet.
func resolve(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	const most = 40 // links on the way, as Linux has it
	for range most {
		link, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	if directory, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(directory, filepath.Base(path))
	}
	return filepath.Clean(path)
}
