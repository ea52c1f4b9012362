package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// WriteFile writes the report to path: the page if the name ends in .html or
// .htm, else JSON. A reader finds the old file or the new one, never a part;
// the new one has mode 0644. What is not a regular file, such as /dev/stderr or
// a named pipe, is written to and stays.
func (r *Report) WriteFile(path string) error {
	if err := writeFile(path, r.format(path)); err != nil {
		return fmt.Errorf("writing report %q: %w", path, err)
	}
	return nil
}

// format is the way of writing that path asks for.
func (r *Report) format(path string) func(io.Writer) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".html", ".htm":
		return r.WriteHTML
	default:
		return r.WriteJSON
	}
}

func writeFile(path string, write func(io.Writer) error) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace(path, write)
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory")
	case !info.Mode().IsRegular():
		return writeInto(path, write)
	}
	file, err := filepath.EvalSymlinks(path) // a link stays a link
	if err != nil {
		return err
	}
	return replace(file, write)
}

// writeInto writes to what is at path.
func writeInto(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// replace puts a new file at path, or leaves everything as it was.
func replace(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	if err := errors.Join(fill(file, write), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// fill writes file and sees that it is on the disk.
func fill(file *os.File, write func(io.Writer) error) error {
	out := bufio.NewWriter(file)
	if err := write(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if err := file.Chmod(0o644); err != nil {
		return err
	}
	return file.Sync()
}
