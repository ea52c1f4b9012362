package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
)

// Layout is an image layout, which need not exist. It is safe for concurrent use.
type Layout struct {
	path string // of the directory or the archive, for messages

	mu           sync.Mutex
	files        files
	directory    string // where it can be written; "": nowhere
	repositories map[string]*Repository
	subjects     map[digest.Digest]digest.Digest // what manifests refer to; "" for nothing
	read         version                         // of entries
	entries      []v1.Descriptor
}

// files is where the files of a layout are.
type files interface {
	// open opens a file by its name in the layout. The error is fs.ErrNotExist
	// where there is none.
	open(name string) (io.ReadCloser, fs.FileInfo, error)
}

// version tells whether a file is still the one that was read.
type version struct {
	size     int64
	modified time.Time
}

func newLayout(path, directory string, files files) *Layout {
	return &Layout{
		path: path, directory: directory, files: files,
		repositories: map[string]*Repository{}, subjects: map[digest.Digest]digest.Digest{},
	}
}

// Directory is the layout in a directory.
func Directory(path string) *Layout { return newLayout(path, path, inDirectory(path)) }

// Archive is the layout in a tar file, which can be read only. Of a compressed one
// there is a plain copy in an unnamed file while it is in use, in the directory for
// temporary files.
func Archive(path, temporary string) *Layout {
	return newLayout(path, "", &archive{path: path, temporary: temporary})
}

// Unpacked says that the layout of an archive is from now on in a directory.
func (l *Layout) Unpacked(directory string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files, l.directory, l.read = inDirectory(directory), directory, version{}
}

// Packed says that it is in its archive again, which may be another file.
func (l *Layout) Packed(temporary string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files, l.directory, l.read = &archive{path: l.path, temporary: temporary}, "", version{}
}

// maxIndex bounds an index.json, in bytes.
const maxIndex = 64 << 20

const (
	indexFile  = "index.json"
	layoutFile = "oci-layout"
)

// Entries are what index.json lists, in its order. The error has the kind
// not-found where there is no layout.
func (l *Layout) Entries() ([]v1.Descriptor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	index, err := l.index()
	return index.Manifests, err
}

// index reads index.json, of which only the entries are kept, unless that is the
// one that was read last.
func (l *Layout) index() (index v1.Index, err error) {
	file, stat, err := l.files.open(indexFile)
	if err != nil {
		return index, l.failure(err, "reading %s", indexFile)
	}
	defer file.Close()
	now := version{stat.Size(), stat.ModTime()}
	if now == l.read {
		return v1.Index{Manifests: slices.Clone(l.entries)}, nil
	}
	if err := json.NewDecoder(io.LimitReader(file, maxIndex)).Decode(&index); err != nil {
		return index, fault.New(fault.Unsupported, fmt.Errorf("%s: reading %s: %w", l.path, indexFile, err))
	}
	for _, d := range index.Manifests {
		if err := d.Digest.Validate(); err != nil {
			return index, fault.New(fault.Unsupported, fmt.Errorf("%s: reading %s: digest %q: %w", l.path, indexFile, d.Digest, err))
		}
	}
	l.read, l.entries = now, slices.Clone(index.Manifests)
	return index, nil
}

// Named is the digest of the entry with a name; "" if there is none.
func (l *Layout) Named(name string) digest.Digest {
	entries, err := l.Entries()
	if err != nil {
		return ""
	}
	for _, d := range entries {
		if Name(d) == name {
			return d.Digest
		}
	}
	return ""
}

// failure says what was being done, and that something is not there.
func (l *Layout) failure(err error, format string, args ...any) error {
	err = fmt.Errorf("%s: "+format+": %w", append(append([]any{l.path}, args...), err)...)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, err)
	}
	return err
}

// Repository is what the layout has of a repository. It is the same for the same
// path.
func (l *Layout) Repository(path string) *Repository {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.repositories[path] == nil {
		l.repositories[path] = &Repository{Layout: l, path: path}
	}
	return l.repositories[path]
}

// Images are the entries that are images in themselves: not what refers to another
// of them, nor unnamed what another lists. Referred reports whether there is any of
// the former.
func (l *Layout) Images() (images []v1.Descriptor, referred bool, err error) {
	entries, err := l.Entries()
	if err != nil {
		return nil, false, err
	}
	whole := l.Repository("")
	listed := map[digest.Digest]bool{}
	for _, d := range entries {
		if !content.IsIndex(d.MediaType) {
			continue
		}
		m, err := whole.manifest(d.Digest)
		if err != nil {
			continue // copying it will say why
		}
		children, err := content.Listed(m)
		if err != nil {
			continue
		}
		for _, child := range children {
			listed[child.Digest] = true
		}
	}
	for _, d := range entries {
		subject := whole.subject(d)
		referred = referred || subject != ""
		if Name(d) != "" || subject == "" && !listed[d.Digest] {
			images = append(images, d)
		}
	}
	return images, referred, nil
}
