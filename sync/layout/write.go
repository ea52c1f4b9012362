package layout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// Has reports whether the layout has a blob or a manifest, as far as its size
// tells.
func (l *Layout) Has(d v1.Descriptor) bool {
	file, size, err := l.open(d.Digest)
	if err != nil {
		return false
	}
	_ = file.Close() // it was only opened
	return d.Size < 0 || d.Size == size
}

// PutBlob writes a blob, unless its bytes are others than d says.
func (l *Layout) PutBlob(ctx context.Context, d v1.Descriptor, body io.Reader) error {
	if err := d.Digest.Validate(); err != nil {
		return fault.New(fault.Unsupported, fmt.Errorf("digest %q: %w", d.Digest, err))
	}
	return l.place(blobFile(d.Digest), func(file io.Writer) error {
		_, err := io.Copy(file, until(ctx, registry.Verify(body, d)))
		return err
	})
}

// until reads no more once ctx has ended.
func until(ctx context.Context, body io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return body.Read(p)
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// PutManifest writes a manifest and lists it, under a tag or, with its digest as
// identifier, by that. What it needs has to be there.
func (r *Repository) PutManifest(ctx context.Context, identifier string, m registry.Manifest) error {
	if _, err := r.manifest(m.Digest); err != nil {
		if err := r.PutBlob(ctx, m.Descriptor, bytes.NewReader(m.Bytes)); err != nil {
			return err
		}
	}
	subject, artifact := content.Subject(m)
	entry := plain(m.Descriptor)
	entry.ArtifactType = artifact
	name := Join(r.path, identifier)
	if identifier == "" || identifier == m.Digest.String() && (subject != "" || r.path == "") {
		name = ""
	}
	if name != "" {
		entry.Annotations = map[string]string{v1.AnnotationRefName: name}
	}
	return r.update(func(entries []v1.Descriptor) []v1.Descriptor { return enter(entries, entry) })
}

// enter lists an entry: in place of the one that has its name, or of itself.
func enter(entries []v1.Descriptor, entry v1.Descriptor) []v1.Descriptor {
	name := Name(entry)
	at := slices.IndexFunc(entries, func(d v1.Descriptor) bool {
		return Name(d) == name && (name != "" || d.Digest == entry.Digest)
	})
	if at >= 0 {
		entries[at] = entry
		return entries
	}
	return append(entries, entry)
}

// DeleteTag removes a tag, and leaves what it names. The error has the kind
// not-found where there is no such tag.
func (r *Repository) DeleteTag(ctx context.Context, tag string) error {
	if _, err := r.Listed(ctx, tag); err != nil {
		return err
	}
	return r.update(func(entries []v1.Descriptor) []v1.Descriptor {
		return slices.DeleteFunc(entries, func(d v1.Descriptor) bool { return r.tag(d) == tag })
	})
}

// update replaces index.json by one with other entries, while no other csync does.
func (l *Layout) update(change func([]v1.Descriptor) []v1.Descriptor) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.directory == "" {
		return fault.New(fault.Unsupported, fmt.Errorf("%s is an archive, which is written as a whole", l.path))
	}
	unlock, err := lock(l.directory)
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	defer unlock()
	l.read = version{} // its other keys are wanted as well
	index, err := l.index()
	if fault.Is(err, fault.NotFound) {
		index, err = v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex}, nil
	}
	if err != nil {
		return err
	}
	index.Manifests = change(index.Manifests)
	l.read = version{}
	if err := l.placeJSON(layoutFile, v1.ImageLayout{Version: v1.ImageLayoutVersion}); err != nil {
		return err
	}
	return l.placeJSON(indexFile, index)
}

func (l *Layout) placeJSON(name string, document any) error {
	written, err := json.Marshal(document)
	if err != nil {
		return fault.New(fault.Internal, err)
	}
	if file, _, err := l.files.open(name); err == nil {
		there, err := io.ReadAll(file)
		if err = errors.Join(err, file.Close()); err == nil && bytes.Equal(there, written) {
			return nil
		}
	}
	return place(l.directory, name, func(file io.Writer) error {
		_, err := file.Write(written)
		return err
	})
}

// lock waits until nobody else of csync's changes the directory, where the file
// system knows such locks.
func lock(directory string) (unlock func(), err error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	opened, err := os.Open(directory)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(opened.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return func() { _ = opened.Close() }, nil // which unlocks it
}

func (l *Layout) place(name string, write func(io.Writer) error) error {
	l.mu.Lock()
	directory := l.directory
	l.mu.Unlock()
	if directory == "" {
		return fault.New(fault.Unsupported, fmt.Errorf("%s is an archive, which is written as a whole", l.path))
	}
	return place(directory, name, write)
}

// temporary is what names of files begin with that are not whole yet.
const temporary = ".csync-"

// place has write fill a new file, and only when that is on disk gives it its name.
func place(directory, name string, write func(io.Writer) error) error {
	final := filepath.Join(directory, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(directory, temporary+"*")
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = errors.Join(file.Chmod(modeOf(final)), file.Sync())
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), final)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// modeOf is the mode of a file that is to be replaced, or of a new one.
func modeOf(path string) fs.FileMode {
	if old, err := os.Stat(path); err == nil {
		return old.Mode().Perm()
	}
	return 0o644
}
