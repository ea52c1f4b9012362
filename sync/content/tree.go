package content

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Tree is a manifest with everything below it, the manifests in memory and the
// blobs by descriptor.
type Tree struct {
	Manifest registry.Manifest
	Config   *v1.Descriptor  // one of Blobs; nil where the manifest has none
	Blobs    []v1.Descriptor // what the manifest needs, each once
	Children []*Tree
}

// Load reads all manifests below root from the source repository, those of
// one index at the same time. A registry that makes it endless is stopped.
func Load(ctx context.Context, source Source, root registry.Manifest) (*Tree, error) {
	l := &loader{source: source}
	return l.load(ctx, root, nil)
}

// Shelf is a [Source] that can be asked for a manifest without reading it.
type Shelf interface {
	Source
	// Resolve is the manifest that a tag or a digest names. The error has the
	// kind not-found where there is none.
	Resolve(ctx context.Context, identifier string) (v1.Descriptor, error)
}

// Complete reports whether the shelf has every instance of an index that it has,
// and theirs, whatever the depth. The error has the kind not-found where one is
// missing.
func Complete(ctx context.Context, shelf Shelf, index registry.Manifest) error {
	_, err := (&loader{source: shelf, resolve: shelf.Resolve}).load(ctx, index, nil)
	return err
}

// Parse is the tree of one manifest, without what is below it.
func Parse(m registry.Manifest) (*Tree, error) {
	doc, err := parseDocument(m)
	return &Tree{Manifest: m, Config: doc.Config, Blobs: doc.blobs()}, err
}

// loader counts what it has read.
type loader struct {
	source Source
	// resolve, if not nil, asks for what lists nothing itself instead of reading it.
	resolve func(ctx context.Context, identifier string) (v1.Descriptor, error)
	bound
}

func (l *loader) load(ctx context.Context, m registry.Manifest, above []digest.Digest) (*Tree, error) {
	if err := ctx.Err(); err != nil { // also where nothing else asks
		return nil, err
	}
	doc, err := parseDocument(m)
	if err != nil {
		return nil, err
	}
	t := &Tree{Manifest: m, Config: doc.Config, Blobs: doc.blobs()}
	var instances []v1.Descriptor
	seen := map[digest.Digest]bool{}
	above = append(above[:len(above):len(above)], m.Digest)
	for _, child := range doc.Manifests {
		switch {
		case !isManifest(child.MediaType):
			t.Blobs = append(t.Blobs, child)
		case slices.Contains(above, child.Digest):
			return nil, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it lists itself", child.Digest))
		case !seen[child.Digest]:
			seen[child.Digest] = true
			instances = append(instances, child)
		}
	}
	if len(instances) == 0 {
		return t, nil
	}
	if err := l.enter(above[0], len(above), instances); err != nil {
		return nil, err
	}
	t.Children, err = l.instances(ctx, instances, above)
	return t, err
}

func (l *loader) instances(ctx context.Context, listed []v1.Descriptor, above []digest.Digest) ([]*Tree, error) {
	children := make([]*Tree, len(listed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLoads)
	for i, d := range listed {
		group.Go(func() (err error) {
			children[i], err = l.instance(ctx, d, above)
			return err
		})
	}
	return children, group.Wait()
}

func (l *loader) instance(ctx context.Context, d v1.Descriptor, above []digest.Digest) (*Tree, error) {
	if l.resolve != nil && !IsIndex(d.MediaType) {
		_, err := l.resolve(ctx, d.Digest.String())
		return nil, err
	}
	m, err := l.source.Manifest(ctx, d.Digest.String())
	if err == nil {
		err = l.weigh(m, d)
	}
	if err != nil {
		return nil, err
	}
	return l.load(ctx, m, above)
}

// Find returns the manifest with the given digest, or nil.
func (t *Tree) Find(d digest.Digest) *Tree {
	if t.Manifest.Digest == d {
		return t
	}
	for _, child := range t.Children {
		if found := child.Find(d); found != nil {
			return found
		}
	}
	return nil
}

// IsConfig reports whether a blob is the config of one of the manifests.
func (t *Tree) IsConfig(d digest.Digest) bool {
	return t.Config != nil && t.Config.Digest == d ||
		slices.ContainsFunc(t.Children, func(child *Tree) bool { return child.IsConfig(d) })
}

// All are all manifests, each once, the tree's own first.
func (t *Tree) All() []registry.Manifest {
	return t.collect(nil, map[digest.Digest]bool{})
}

// collect adds to all what seen has not.
func (t *Tree) collect(all []registry.Manifest, seen map[digest.Digest]bool) []registry.Manifest {
	if seen[t.Manifest.Digest] {
		return all
	}
	seen[t.Manifest.Digest] = true
	all = append(all, t.Manifest)
	for _, child := range t.Children {
		all = child.collect(all, seen)
	}
	return all
}

// Digests are those of all manifests, each once, the tree's own first.
func (t *Tree) Digests() []digest.Digest {
	var all []digest.Digest
	for _, m := range t.All() {
		all = append(all, m.Digest)
	}
	return all
}

// Manifests is the number of bytes of all manifests.
func (t *Tree) Manifests() int64 {
	total := t.Manifest.Size
	for _, child := range t.Children {
		total += child.Manifests()
	}
	return total
}
