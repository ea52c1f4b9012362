// Package memory keeps what one run has found out for the next, in small files
// of the user's cache directory.
//
// Only what never becomes wrong is kept: facts about digests. Losing a file
// costs the requests that find them out again.
package memory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// maxEntries bounds a file; beyond, it is begun anew.
const maxEntries = 100_000

// File remembers a V for each key. It is safe for concurrent use; a nil *File
// remembers nothing.
type File[V any] struct {
	path string

	mu      sync.Mutex
	entries map[string]V
	changed bool
}

// New remembers as long as the program runs.
func New[V any]() *File[V] { return &File[V]{entries: map[string]V{}} }

// Open reads what is in a file, which need not exist. One that cannot be
// understood is begun anew.
func Open[V any](path string) (*File[V], error) {
	f := New[V]()
	f.path = path
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading cache: %w", err)
	}
	if json.Unmarshal(content, &f.entries) != nil || f.entries == nil {
		f.entries = map[string]V{}
	}
	return f, nil
}

// Find is what was kept for the key.
func (f *File[V]) Find(key string) (value V, found bool) {
	if f == nil {
		return value, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	value, found = f.entries[key]
	return value, found
}

// Keep remembers the value.
func (f *File[V]) Keep(key string, value V) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.entries[key]; !known && len(f.entries) >= maxEntries {
		clear(f.entries)
	}
	f.entries[key], f.changed = value, true
}

// Save writes what is new under the file's name all at once, readable for the
// user alone.
func (f *File[V]) Save() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.changed || f.path == "" {
		return nil
	}
	content, err := json.Marshal(f.entries)
	if err == nil {
		err = replace(f.path, content)
	}
	if err != nil {
		return fmt.Errorf("writing cache: %w", err)
	}
	f.changed = false
	return nil
}

func replace(path string, content []byte) error {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(directory, ".cache-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
