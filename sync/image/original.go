package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image/trust"
	"csync/sync/registry"
)

// Original is a source image: its manifests, admitted by the policy. It can be
// copied to several destinations at the same time.
type Original struct {
	opened
	location  Location
	digest    digest.Digest // of the source's manifest, before any selection
	platforms []string      // of the wanted instances
	root      *content.Tree // what is wanted
	home      *trust.Once   // where its signatures are
	turn      chan struct{} // to read a blob of a source that takes one reader; nil: all may

	configs *configs
}

// Read reads the manifests of a request's source that its selection wants, and
// asks the policy about them. The request needs no destination; the caller
// closes what it gets.
func (c *Copier) Read(ctx context.Context, request Request) (*Original, error) {
	from, err := request.Source.open(ctx)
	if _, remote := request.Source.Remote(); remote && c.Kept != nil && err == nil {
		from.Source = c.Kept.Before(from.Source)
		if m := request.Manifest; m != nil {
			c.Kept.Keep(ctx, *m)
		}
	}
	o := &Original{opened: from, location: request.Source, configs: &c.configs}
	if from.library != nil && !from.library.HasThreadSafeGetBlob() {
		o.turn = make(chan struct{}, 1)
	}
	if err == nil {
		err = c.load(ctx, o, request)
	}
	if err != nil {
		o.Close()
		return nil, fault.At(fault.Source, request.Source.String(), kindOf(err))
	}
	return o, nil
}

// load reads the manifest, chooses from it, has the policy admit that, and reads
// all manifests below the choice.
func (c *Copier) load(ctx context.Context, o *Original, request Request) error {
	m, err := o.manifest(ctx, request)
	if err != nil {
		return err
	}
	o.digest = m.Digest
	home, err := c.signaturesOf(o.location, m.Digest, o.library)
	if err != nil {
		return err
	}
	o.home = &trust.Once{Store: home}
	choice, err := request.Selection.Choose(ctx, o, m)
	if err != nil {
		return err
	}
	wanted := choice.Manifest
	if choice.Bytes == nil {
		if wanted, err = o.Manifest(ctx, choice.Digest.String()); err != nil {
			return err
		}
	}
	if o.root, err = content.Load(ctx, o, wanted); err != nil {
		return err
	}
	o.platforms = choice.Platforms
	return c.admit(ctx, o)
}

// manifest is the source's, before any selection.
func (o *Original) manifest(ctx context.Context, r Request) (registry.Manifest, error) {
	switch {
	case r.Manifest != nil:
		return *r.Manifest, nil
	case o.library == nil && r.Digest != "":
		return o.Manifest(ctx, r.Digest.String())
	}
	return o.Manifest(ctx, o.identifier)
}

// cut reports whether the image is an index that only the selection has made.
func (o *Original) cut() bool {
	return content.IsIndex(o.root.Manifest.MediaType) && o.root.Manifest.Digest != o.digest
}

// blob opens a blob, whose bytes the reader has still to check.
func (o *Original) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if o.turn == nil {
		body, err := o.Blob(ctx, d)
		return body, o.at(err)
	}
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	body, err := o.Blob(ctx, d)
	if err != nil {
		<-o.turn
		return nil, o.at(err)
	}
	return &turnBlob{ReadCloser: body, end: sync.OnceFunc(func() { <-o.turn })}, nil
}

// turnBlob lets the next blob be read when it is closed.
type turnBlob struct {
	io.ReadCloser
	end func()
}

func (b *turnBlob) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// config is the config of one of the image's manifests.
func (o *Original) config(ctx context.Context, d v1.Descriptor, open openBlob) ([]byte, error) {
	config, err := o.configs.read(ctx, d, open)
	return config, o.at(err)
}

type openBlob = func(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error)

func (o *Original) at(err error) error {
	return fault.At(fault.Source, o.location.String(), kindOf(err))
}

// part is one manifest of an original as a types.ImageSource of its own, for
// copy.Image.
type part struct {
	*Original
	ref  types.ImageReference
	tree *content.Tree
	open openBlob
	read *atomic.Int64 // counts bytes of blobs; nil: open does
	// signatures are what is copied with the image; nil: they travel by
	// themselves.
	signatures func(ctx context.Context, of digest.Digest) ([][]byte, error)
}

func (p part) Reference() types.ImageReference { return p.ref }
func (p part) Close() error                    { return nil }
func (p part) HasThreadSafeGetBlob() bool      { return p.turn == nil }

// GetManifest gives the manifest, or one of its instances, without a request.
func (p part) GetManifest(_ context.Context, instance *digest.Digest) ([]byte, string, error) {
	t := p.tree
	if instance != nil {
		t = p.tree.Find(*instance)
	}
	if t == nil {
		return nil, "", p.at(fault.New(fault.Unsupported, fmt.Errorf("index entry %s is a blob, not a manifest, which only registries keep", *instance)))
	}
	return t.Manifest.Bytes, t.Manifest.MediaType, nil
}

// GetBlob gives a config from memory.
func (p part) GetBlob(ctx context.Context, wanted types.BlobInfo, _ types.BlobInfoCache) (io.ReadCloser, int64, error) {
	d := v1.Descriptor{Digest: wanted.Digest, Size: wanted.Size, MediaType: wanted.MediaType}
	if p.tree.IsConfig(d.Digest) {
		config, err := p.config(ctx, d, p.open)
		p.count(len(config))
		return io.NopCloser(bytes.NewReader(config)), int64(len(config)), err
	}
	body, err := p.open(ctx, d)
	if err != nil {
		return nil, 0, p.at(err)
	}
	return &sourceBlob{body, registry.Verify(body, d), p}, wanted.Size, nil
}

// count notes bytes of blobs.
func (p part) count(n int) {
	if p.read != nil {
		p.read.Add(int64(n))
	}
}

func (p part) GetSignatures(ctx context.Context, instance *digest.Digest) ([][]byte, error) {
	if p.signatures == nil {
		return nil, nil
	}
	of := p.tree.Manifest.Digest
	if instance != nil {
		of = *instance
	}
	return p.signatures(ctx, of)
}

// LayerInfosForCopy are the layers that a store gives in place of those in the
// manifest.
func (p part) LayerInfosForCopy(ctx context.Context, instance *digest.Digest) ([]types.BlobInfo, error) {
	if p.library == nil {
		return nil, nil
	}
	if instance == nil && p.tree != p.root {
		instance = &p.tree.Manifest.Digest
	}
	return p.library.LayerInfosForCopy(ctx, instance)
}

// partReference is the reference of a part.
type partReference struct {
	types.ImageReference
	part part
}

// reference is what copy.Image reads the part by.
func (p part) reference() (ref partReference, err error) {
	p.ref, err = p.location.of(p.tree.Manifest.Digest)
	return partReference{p.ref, p}, err
}

func (r partReference) NewImageSource(context.Context, *types.SystemContext) (types.ImageSource, error) {
	return r.part, nil
}

// sourceBlob counts and checks what is read, and says on which side it failed.
type sourceBlob struct {
	io.ReadCloser
	verified io.Reader
	part     part
}

func (b *sourceBlob) Read(p []byte) (int, error) {
	n, err := b.verified.Read(p)
	b.part.count(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.part.at(err)
	}
	return n, err
}
