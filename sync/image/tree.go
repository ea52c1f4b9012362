package image

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/registry"
)

const (
	maxDepth = 8  // of indexes in indexes; real ones nest twice
	maxLoads = 32 // manifests of one index that are read at the same time
)

// tree is a manifest with everything below it, the manifests in memory and the
// blobs by descriptor.
type tree struct {
	manifest registry.Manifest
	blobs    []v1.Descriptor
	children []*tree
}

// loadTree reads all manifests below root from the source repository, those of
// one index at the same time. A registry that makes it endless is stopped.
func loadTree(ctx context.Context, source *registry.Repository, root registry.Manifest) (*tree, error) {
	l := &loader{source: source}
	return l.load(ctx, root, nil)
}

// loader counts what it has read.
type loader struct {
	source *registry.Repository
	read   atomic.Int64
}

func (l *loader) load(ctx context.Context, m registry.Manifest, above []digest.Digest) (*tree, error) {
	doc, err := parseDocument(m)
	if err != nil {
		return nil, err
	}
	t := &tree{manifest: m, blobs: doc.blobs()}
	var instances []digest.Digest
	above = append(above[:len(above):len(above)], m.Digest)
	for _, child := range doc.Manifests {
		switch {
		case !isManifest(child.MediaType):
			t.blobs = append(t.blobs, child)
		case slices.Contains(above, child.Digest):
			return nil, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it lists itself", child.Digest))
		case !slices.Contains(instances, child.Digest):
			instances = append(instances, child.Digest)
		}
	}
	if len(instances) == 0 {
		return t, nil
	}
	if len(above) > maxDepth {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: indexes nest more than %d deep", above[0], maxDepth))
	}
	t.children, err = l.instances(ctx, instances, above)
	return t, err
}

func (l *loader) instances(ctx context.Context, digests, above []digest.Digest) ([]*tree, error) {
	children := make([]*tree, len(digests))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLoads)
	for i, d := range digests {
		group.Go(func() error {
			if l.read.Add(1) > maxInstances {
				return fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it has more than %d instances", above[0], maxInstances))
			}
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

// find returns the manifest with the given digest, or nil.
func (t *tree) find(d digest.Digest) *tree {
	if t.manifest.Digest == d {
		return t
	}
	for _, child := range t.children {
		if found := child.find(d); found != nil {
			return found
		}
	}
	return nil
}

// manifests is the number of bytes of all manifests.
func (t *tree) manifests() int64 {
	total := t.manifest.Size
	for _, child := range t.children {
		total += child.manifests()
	}
	return total
}
