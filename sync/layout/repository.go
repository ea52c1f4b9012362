package layout

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// Repository is one repository of a layout.
type Repository struct {
	*Layout
	path string
}

// Path is the repository's; "" for names that have none.
func (r *Repository) Path() string { return r.path }

// Tags are all tags, in their order; the error has the kind not-found where there
// is no layout.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	entries, err := r.Entries()
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, d := range entries {
		if tag := r.tag(d); tag != "" {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags, ctx.Err()
}

// Digests are what the tags name.
func (r *Repository) Digests(context.Context) map[string]digest.Digest {
	entries, err := r.Entries()
	if err != nil {
		return nil
	}
	named := map[string]digest.Digest{}
	for _, d := range entries {
		if tag := r.tag(d); tag != "" {
			named[tag] = d.Digest
		}
	}
	return named
}

// tag is the tag of an entry in the repository, or "".
func (r *Repository) tag(d v1.Descriptor) string {
	path, identifier := Split(Name(d))
	if path != r.path || digest.Digest(identifier).Validate() == nil {
		return ""
	}
	return identifier
}

// Resolve is the manifest that a tag names, or the one with the digest, whether or
// not that is listed; with "" the only image of the layout.
func (r *Repository) Resolve(ctx context.Context, identifier string) (v1.Descriptor, error) {
	sum := digest.Digest(identifier)
	if sum.Validate() != nil {
		return r.Listed(ctx, identifier)
	}
	m, err := r.manifest(sum)
	return m.Descriptor, err
}

// Listed is Resolve, of what index.json lists in the repository only.
func (r *Repository) Listed(ctx context.Context, identifier string) (v1.Descriptor, error) {
	if identifier == "" {
		return r.only(ctx)
	}
	entries, err := r.Entries()
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, d := range entries {
		if r.lists(d, identifier) {
			return plain(d), ctx.Err()
		}
	}
	return v1.Descriptor{}, fault.New(fault.NotFound, fmt.Errorf("%s has no image %q", r.Layout.path, Join(r.path, identifier)))
}

// lists reports whether an entry is the repository's of a tag, or of a digest:
// under whatever name, or without one. What is called by a digest may have been cut
// out of that.
func (r *Repository) lists(d v1.Descriptor, identifier string) bool {
	if d.Digest.String() != identifier {
		return Name(d) == Join(r.path, identifier)
	}
	path, _ := Split(Name(d))
	return Name(d) == "" || path == r.path
}

// only is the only image of the layout.
func (r *Repository) only(ctx context.Context) (v1.Descriptor, error) {
	images, _, err := r.Images()
	switch {
	case err != nil:
		return v1.Descriptor{}, err
	case len(images) == 0:
		return v1.Descriptor{}, fault.New(fault.NotFound, fmt.Errorf("%s has no image", r.Layout.path))
	case len(images) > 1:
		return v1.Descriptor{}, fault.New(fault.Input, fmt.Errorf("%s has several images; name one of them", r.Layout.path))
	}
	return plain(images[0]), ctx.Err()
}

// plain is a descriptor without what only its entry says.
func plain(d v1.Descriptor) v1.Descriptor {
	return v1.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

// Manifest reads the manifest of a tag or a digest, and checks it.
func (r *Repository) Manifest(ctx context.Context, identifier string) (registry.Manifest, error) {
	sum := digest.Digest(identifier)
	if sum.Validate() != nil {
		d, err := r.Listed(ctx, identifier)
		if err != nil {
			return registry.Manifest{}, err
		}
		sum = d.Digest
	}
	return r.manifest(sum)
}

// maxManifest bounds a manifest, in bytes.
const maxManifest = 4 << 20

// manifest reads a manifest. Its media type is what it says itself, or an entry.
func (l *Layout) manifest(sum digest.Digest) (registry.Manifest, error) {
	file, size, err := l.open(sum)
	if err != nil {
		return registry.Manifest{}, err
	}
	defer file.Close()
	if size > maxManifest {
		return registry.Manifest{}, fault.New(fault.Unsupported, fmt.Errorf("%s: manifest %s has %d bytes; at most %d are read", l.path, sum, size, maxManifest))
	}
	read, err := io.ReadAll(registry.Verify(file, v1.Descriptor{Digest: sum, Size: size}))
	if err != nil {
		return registry.Manifest{}, fmt.Errorf("%s: reading manifest %s: %w", l.path, sum, err)
	}
	d, err := content.Describe(read)
	d.Digest = sum
	if entries, unread := l.Entries(); unread == nil && !saysItsType(read) {
		for _, listed := range entries {
			if listed.Digest == sum && listed.MediaType != "" {
				d.MediaType = listed.MediaType
			}
		}
	}
	return registry.Manifest{Descriptor: d, Bytes: read}, err
}

func saysItsType(manifest []byte) bool { return bytes.Contains(manifest, []byte(`"mediaType"`)) }

// Blob opens a blob, whose bytes the reader has still to check.
func (l *Layout) Blob(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	file, _, err := l.open(d.Digest)
	return file, err
}

// HasBlob reports whether a blob is there, and its size.
func (l *Layout) HasBlob(_ context.Context, sum digest.Digest) (size int64, has bool, err error) {
	file, size, err := l.open(sum)
	if fault.Is(err, fault.NotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return size, true, file.Close()
}

// open opens a manifest or a blob.
func (l *Layout) open(sum digest.Digest) (io.ReadCloser, int64, error) {
	if err := sum.Validate(); err != nil {
		return nil, 0, fault.New(fault.Unsupported, fmt.Errorf("digest %q: %w", sum, err))
	}
	l.mu.Lock()
	where := l.files
	l.mu.Unlock()
	file, stat, err := where.open(blobFile(sum))
	if err != nil {
		return nil, 0, l.failure(err, "reading %s", sum)
	}
	return file, stat.Size(), nil
}

// Referrers are the manifests whose subject has the digest: entries of index.json,
// and what lists them under the referrers tag (OCI distribution 1.1, "Referrers Tag
// Schema"), as regctl has it.
func (r *Repository) Referrers(ctx context.Context, of digest.Digest) ([]v1.Descriptor, error) {
	entries, err := r.Entries()
	if err != nil {
		return nil, err
	}
	var all []v1.Descriptor
	add := func(d v1.Descriptor) {
		if !slices.ContainsFunc(all, func(known v1.Descriptor) bool { return known.Digest == d.Digest }) {
			all = append(all, plain(d))
		}
	}
	for _, d := range entries {
		switch {
		case r.subject(d) == of:
			add(d)
		case r.tag(d) == strings.Replace(of.String(), ":", "-", 1) && content.IsIndex(d.MediaType):
			m, err := r.manifest(d.Digest)
			if err != nil {
				return nil, err
			}
			listed, err := content.Listed(m)
			if err != nil {
				return nil, err
			}
			for _, referrer := range listed {
				add(referrer)
			}
		}
	}
	return all, ctx.Err()
}

// subject is what an entry refers to, or "".
func (l *Layout) subject(d v1.Descriptor) digest.Digest {
	l.mu.Lock()
	known, read := l.subjects[d.Digest]
	l.mu.Unlock()
	if read {
		return known
	}
	m, err := l.manifest(d.Digest)
	if err != nil { // reading it as an image will say why
		return ""
	}
	subject, _ := content.Subject(m)
	l.mu.Lock()
	l.subjects[d.Digest] = subject
	l.mu.Unlock()
	return subject
}
