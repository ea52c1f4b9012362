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
	Blobs    []v1.Descriptor
	Children []*Tree
}

// Load reads all manifests below root from the source repository, those of
// one index at the same time. A registry that makes it endless is stopped.
func Load(ctx context.Context, source Source, root registry.Manifest) (*Tree, error) {
	l := &loader{source: source}
	return l.load(ctx, root, nil)
}

// loader counts what it has read.
type loader struct {
	source Source
	bound
}

func (l *loader) load(ctx context.Context, m registry.Manifest, above []digest.Digest) (*Tree, error) {
	doc, err := parseDocument(m)
	if err != nil {
		return nil, err
	}
	t := &Tree{Manifest: m, Blobs: doc.blobs()}
	var instances []digest.Digest
	above = append(above[:len(above):len(above)], m.Digest)
	for _, child := range doc.Manifests {
		switch {
		case !IsManifest(child.MediaType):
			t.Blobs = append(t.Blobs, child)
		case slices.Contains(above, child.Digest):
			return nil, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it lists itself", child.Digest))
		case !slices.Contains(instances, child.Digest):
			instances = append(instances, child.Digest)
		}
	}
	if len(instances) == 0 {
		return t, nil
	}
	if err := l.enter(above[0], len(above), len(instances)); err != nil {
		return nil, err
	}
	t.Children, err = l.instances(ctx, instances, above)
	return t, err
}

func (l *loader) instances(ctx context.Context, digests, above []digest.Digest) ([]*Tree, error) {
	children := make([]*Tree, len(digests))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLoads)
	for i, d := range digests {
		group.Go(func() error {
			m, err := l.source.Manifest(ctx, d.String())
			if err != nil {
				return err
			}
			children[i], err = l.load(ctx, m, above)
			return err
		})
	}
	return children, group.Wait()
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

// Manifests is the number of bytes of all manifests.
func (t *Tree) Manifests() int64 {
	total := t.Manifest.Size
	for _, child := range t.Children {
		total += child.Manifests()
	}
	return total
}
