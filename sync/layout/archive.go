package layout

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	storage "go.podman.io/storage/pkg/archive"
)

// archive are the files in a tar file, which are found once.
type archive struct {
	path, temporary string

	mu    sync.Mutex
	file  *os.File
	found map[string]packed
}

// packed is a file in an archive.
type packed struct {
	fs.FileInfo
	at int64
}

func (a *archive) open(name string) (io.ReadCloser, fs.FileInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found == nil {
		if err := a.find(); err != nil {
			return nil, nil, err
		}
	}
	file, there := a.found[name]
	if !there {
		return nil, nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(a.file, file.at, file.Size())), file, nil
}

// find opens the archive, and notes where its files begin. The file stays open as
// long as anything can be read of it.
func (a *archive) find() error {
	file, err := plainFile(a.path, a.temporary)
	if err != nil {
		return err
	}
	found := map[string]packed{}
	entries := tar.NewReader(file)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(fmt.Errorf("reading archive: %w", err), file.Close())
		}
		at, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return errors.Join(fmt.Errorf("reading archive: %w", err), file.Close())
		}
		if header.Typeflag == tar.TypeReg {
			found[path.Clean(header.Name)] = packed{header.FileInfo(), at}
		}
	}
	a.file, a.found = file, found
	return nil
}

// plainFile is the tar file at a path, or what it decompresses to.
func plainFile(path, temporary string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	magic := make([]byte, 10)
	n, err := file.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) || storage.DetectCompression(magic[:n]) == storage.Uncompressed {
		return file, nil // which says itself what is wrong with it
	}
	defer file.Close()
	plain, err := storage.DecompressStream(file)
	if err != nil {
		return nil, fmt.Errorf("decompressing archive: %w", err)
	}
	defer plain.Close()
	return unnamed(temporary, plain)
}

// unnamed is a file without a name that has all of the bytes.
func unnamed(temporary string, bytes io.Reader) (*os.File, error) {
	file, err := os.CreateTemp(temporary, "csync-archive-")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary file: %w", err)
	}
	_, err = io.Copy(file, bytes)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err = errors.Join(err, os.Remove(file.Name())); err != nil {
		return nil, errors.Join(fmt.Errorf("decompressing archive: %w", err), file.Close())
	}
	return file, nil
}
