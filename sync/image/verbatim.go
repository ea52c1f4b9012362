package image

import (
	"bytes"
	"context"
	"errors"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
)

// errSchema1 says what a layout cannot keep as it is: its digest is not that of
// its bytes.
var errSchema1 = fault.WithRemedy(fault.Unsupported, errors.New("an OCI layout keeps no manifest of Docker's schema 1"), "--format oci converts it")

// layoutBlobs bounds the blobs of one image that are written to a layout at the
// same time.
const layoutBlobs = 6

// copyInside writes an image into an OCI layout as it is, whatever refers to what
// in it: blobs, then manifests, then its entry. copy.Image would know neither
// Docker's manifests there, nor indexes in indexes, nor artifacts.
func (c *Copier) copyInside(ctx context.Context, into *inside, whole part) (v1.Descriptor, error) {
	if whole.signatures != nil { // which says if there are some that are lost
		for _, d := range whole.signed() {
			if _, err := whole.signatures(ctx, d); err != nil {
				return v1.Descriptor{}, err
			}
		}
	}
	if err := c.fillInside(ctx, into, whole, whole.tree); err != nil {
		return v1.Descriptor{}, err
	}
	root := whole.tree.Manifest
	return root.Descriptor, into.PutManifest(ctx, into.identifier, root)
}

// fillInside writes everything that a manifest needs.
func (c *Copier) fillInside(ctx context.Context, into *inside, whole part, t *content.Tree) error {
	if content.IsSchema1(t.Manifest.MediaType) {
		return errSchema1
	}
	group, needed := errgroup.WithContext(ctx)
	group.SetLimit(layoutBlobs)
	for _, d := range t.Blobs {
		if into.Has(d) {
			continue
		}
		group.Go(func() error {
			body, _, err := whole.GetBlob(needed, types.BlobInfo{Digest: d.Digest, Size: d.Size, MediaType: d.MediaType}, nil)
			if err != nil {
				return err
			}
			defer body.Close()
			return into.PutBlob(needed, d, body)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, child := range t.Children {
		if err := c.fillInside(ctx, into, whole, child); err != nil {
			return err
		}
		m := child.Manifest
		if into.Has(m.Descriptor) {
			continue
		}
		if err := into.PutBlob(ctx, m.Descriptor, bytes.NewReader(m.Bytes)); err != nil {
			return err
		}
	}
	return nil
}
