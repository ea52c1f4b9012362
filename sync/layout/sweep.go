package layout

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
)

// Remove takes entries out of index.json; what they name stays until [Layout.Sweep].
func (l *Layout) Remove(entry func(v1.Descriptor) bool) error {
	entries, err := l.Entries()
	if err != nil || !slices.ContainsFunc(entries, entry) {
		return err
	}
	return l.update(func(entries []v1.Descriptor) []v1.Descriptor { return slices.DeleteFunc(entries, entry) })
}

// Sweep removes the blobs and manifests of the directory that no entry needs, and
// where there is no entry the layout itself. What is no part of a layout stays, and
// nobody else may be writing.
func (l *Layout) Sweep() error {
	entries, err := l.Entries()
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	removed := l.removeFiles(l.needed(entries))
	if len(entries) > 0 || removed != nil {
		return removed
	}
	for _, name := range []string{indexFile, layoutFile} {
		if err := os.Remove(filepath.Join(l.path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	l.removeEmpty()
	return nil
}

// need notes a manifest, and everything below it, as far as it is there.
func (l *Layout) need(sum digest.Digest, needed map[string]bool) {
	if needed[blobFile(sum)] {
		return
	}
	needed[blobFile(sum)] = true
	m, err := l.manifest(sum)
	if err != nil {
		return // what it needs cannot be told
	}
	tree, err := content.Parse(m)
	if err != nil {
		return
	}
	for _, d := range tree.Blobs {
		needed[blobFile(d.Digest)] = true
	}
	children, _ := content.Listed(m) // it was parsed
	for _, d := range children {
		l.need(d.Digest, needed)
	}
}

// removeFiles removes all blobs but those that are needed, and what is not whole.
func (l *Layout) removeFiles(needed map[string]bool) error {
	unfinished, err := filepath.Glob(filepath.Join(l.path, temporary+"*"))
	if err != nil {
		return err
	}
	blobs, err := filepath.Glob(filepath.Join(l.path, "blobs", "*", "*"))
	if err != nil {
		return err
	}
	for _, file := range blobs {
		name, err := filepath.Rel(l.path, file)
		name = filepath.ToSlash(name)
		if err == nil && !needed[name] && isBlob(name) {
			unfinished = append(unfinished, file)
		}
	}
	var failed error
	for _, file := range unfinished {
		failed = errors.Join(failed, os.Remove(file))
	}
	return failed
}

// isBlob reports whether a file is called as blobs are.
func isBlob(name string) bool {
	parts := strings.Split(name, "/")
	return digest.NewDigestFromEncoded(digest.Algorithm(parts[1]), parts[2]).Validate() == nil
}

// removeEmpty removes the layout's directories that have nothing in them.
func (l *Layout) removeEmpty() {
	algorithms, _ := filepath.Glob(filepath.Join(l.path, "blobs", "*")) // the pattern is valid
	for _, directory := range append(algorithms, filepath.Join(l.path, "blobs"), l.path) {
		_ = os.Remove(directory) // else there is something in it
	}
}
