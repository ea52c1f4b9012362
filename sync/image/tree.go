package image

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

// maxDepth bounds how deep indexes may nest; real ones nest twice.
const maxDepth = 8

// tree is a manifest with everything below it, the manifests in memory and the
// blobs by descriptor.
type tree struct {
	manifest registry.Manifest
	blobs    []v1.Descriptor
	children []*tree
}

// loadTree reads all manifests below root from the source repository, those of
// one index at the same time.
func loadTree(ctx context.Context, source *registry.Repository, root registry.Manifest) (*tree, error) {
	return loadBelow(ctx, source, root, nil)
}

func loadBelow(ctx context.Context, source *registry.Repository, m registry.Manifest, above []digest.Digest) (*tree, error) {
	doc, err := parseDocument(m)
	if err != nil {
		return nil, err
	}
	t := &tree{manifest: m, blobs: doc.blobs()}
	if len(doc.Manifests) == 0 {
		return t, nil
	}
	above = append(above[:len(above):len(above)], m.Digest)
	if len(above) > maxDepth {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("reading index %s: indexes nest more than %d deep", above[0], maxDepth))
	}
	t.children = make([]*tree, len(doc.Manifests))
	group, ctx := errgroup.WithContext(ctx)
	for i, child := range doc.Manifests {
		if !isManifest(child.MediaType) {
			t.blobs = append(t.blobs, child)
			continue
		}
		group.Go(func() error {
			if slices.Contains(above, child.Digest) {
				return fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it lists itself", child.Digest))
			}
			below, err := source.Manifest(ctx, child.Digest.String())
			if err != nil {
				return err
			}
			t.children[i], err = loadBelow(ctx, source, below, above)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	t.children = compact(t.children)
	return t, nil
}

// compact drops the places of entries that were not manifests, and repeated
// instances.
func compact(children []*tree) []*tree {
	seen := make(map[digest.Digest]bool, len(children))
	kept := children[:0]
	for _, child := range children {
		if child != nil && !seen[child.manifest.Digest] {
			seen[child.manifest.Digest] = true
			kept = append(kept, child)
		}
	}
	return kept
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
