package image

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	ocilayout "go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/layout"
	"csync/sync/registry"
)

// Shelf is a repository of a registry, or what an OCI layout has of one: tags,
// manifests, and what refers to them.
type Shelf interface {
	content.Shelf
	// Tags are all tags; the error has the kind not-found where there is no such
	// repository.
	Tags(ctx context.Context) ([]string, error)
	// Digests are what the registry has told with Tags, for some of them.
	Digests(ctx context.Context) map[string]digest.Digest
	// Referrers are the manifests whose subject is the digest.
	Referrers(ctx context.Context, subject digest.Digest) ([]v1.Descriptor, error)
	// HasBlob reports whether a blob is there, and its size, -1 if that is not
	// known.
	HasBlob(ctx context.Context, d digest.Digest) (size int64, has bool, err error)
	// PutManifest writes a manifest under a tag or its digest.
	PutManifest(ctx context.Context, identifier string, m registry.Manifest) error
	// DeleteTag removes a tag, and leaves what it names.
	DeleteTag(ctx context.Context, tag string) error
}

// Shelved is an image on a shelf.
type Shelved struct {
	Shelf
	// Identifier is the tag or the digest; "" is the only image of a layout.
	Identifier string
}

// Shelf is the way to a location in a registry or in an OCI layout; ok is false for
// all others.
func (l Location) Shelf() (there Shelved, ok bool) {
	if remote, ok := l.Remote(); ok {
		return Shelved{remote.Repository, remote.Identifier}, true
	}
	if l.inside == nil {
		return Shelved{}, false
	}
	return Shelved{l.inside.Repository, l.inside.identifier}, true
}

// inside is an image in an OCI layout, packed or not.
type inside struct {
	*layout.Repository
	identifier string // "" is the only image
	// written says that it is looked at as a destination: what is not listed is not
	// there.
	written bool
	// named is where the layout has the image of another name.
	named func(name string) (Location, error)
}

func insideOf(l *layout.Layout, name string, named func(string) (Location, error)) *inside {
	repository, identifier := layout.Split(name)
	return &inside{Repository: l.Repository(repository), identifier: identifier, named: named}
}

// destination is what is written there.
func (i *inside) destination() *inside {
	i.written = true
	return i
}

// look is what the layout lists, and has: where its bytes are others, it is to be
// written anew.
func (i *inside) look(ctx context.Context) (v1.Descriptor, error) {
	if !i.written {
		return i.Resolve(ctx, i.identifier)
	}
	listed, err := i.Listed(ctx, i.identifier)
	if err != nil {
		return listed, err
	}
	there, err := i.Resolve(ctx, listed.Digest.String())
	if fault.Is(err, fault.DigestMismatch) {
		err = fault.New(fault.NotFound, err)
	}
	return there, err
}

// layouts is one OCI image layout for all images.
type layouts struct {
	place
	layout *layout.Layout
	mu     sync.Mutex
	once   sync.Once
	// absent and empty are what its path was when it was first written to.
	absent, empty bool
}

func openLayout(p place) (Place, error) {
	return &layouts{place: p, layout: layout.Directory(p.path)}, nil
}

func (p *layouts) Location(name Name) (Location, error) { return p.named(name.String()) }

func (p *layouts) named(name string) (Location, error) {
	ref, err := ocilayout.NewReference(p.path, name)
	begin := func() (types.ImageReference, error) {
		p.once.Do(func() {
			entries, err := os.ReadDir(p.path)
			p.absent, p.empty = errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0
		})
		return ref, nil
	}
	return Location{
		Reference: ref, System: p.system, exclusive: &p.mu, begin: begin, inside: insideOf(p.layout, name, p.named).destination(),
	}, err
}

// Discard removes what was begun where there was nothing: blobs that no index
// names.
func (p *layouts) Discard() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := os.Stat(filepath.Join(p.path, "index.json"))
	switch {
	case err == nil:
		return nil
	case p.absent:
		return os.RemoveAll(p.path)
	case p.empty:
		return errors.Join(os.RemoveAll(filepath.Join(p.path, "blobs")), removeIfThere(filepath.Join(p.path, "oci-layout")))
	}
	return nil
}

// insideByName finds the image of a layout or an archive that a user names as the
// library has it: PATH:NAME, PATH:@INDEX, or PATH for the only one. What is not
// there is nil, and opening it will say so.
func insideByName(ref types.ImageReference, sys *types.SystemContext) *inside {
	path, name, _ := strings.Cut(ref.StringWithinTransport(), ":")
	open := reading[ref.Transport().Name()]
	if open == nil || sys != nil && sys.OCISharedBlobDirPath != "" {
		return nil
	}
	l := open(path, sys)
	named := namedIn(l, ref.Transport(), path, sys)
	if number, unnamed := strings.CutPrefix(name, "@"); unnamed {
		return numbered(l, number, named)
	}
	return insideRead(l, name, named)
}

// insideRead is what has a name. An image that is called by a digest may have
// another, where it was cut out of that.
func insideRead(l *layout.Layout, name string, named func(string) (Location, error)) *inside {
	i := insideOf(l, name, named)
	if strings.Contains(name, "@") {
		i.identifier = cmp.Or(l.Named(name).String(), i.identifier)
	}
	return i
}

// reading opens what has a layout, to be read, by the name of its transport.
var reading = map[string]func(path string, sys *types.SystemContext) *layout.Layout{
	"oci": func(path string, _ *types.SystemContext) *layout.Layout { return layout.Directory(path) },
	"oci-archive": func(path string, sys *types.SystemContext) *layout.Layout {
		return layout.Archive(path, Temporary(sys))
	},
}

// namedIn locates the images of a layout that is read.
func namedIn(l *layout.Layout, transport types.ImageTransport, path string, sys *types.SystemContext) func(string) (Location, error) {
	var named func(string) (Location, error)
	named = func(name string) (Location, error) {
		ref, err := transport.ParseReference(path + ":" + name)
		if err != nil {
			return Location{}, fault.New(fault.Input, err)
		}
		return Location{Reference: ref, System: sys, inside: insideRead(l, name, named)}, nil
	}
	return named
}

// numbered is the image with a number among the entries, or nil.
func numbered(l *layout.Layout, number string, named func(string) (Location, error)) *inside {
	entries, err := l.Entries()
	at, wrong := strconv.Atoi(number)
	if err != nil || wrong != nil || at < 0 || at >= len(entries) {
		return nil
	}
	return &inside{Repository: l.Repository(""), identifier: entries[at].Digest.String(), named: named}
}
