package image

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// transfer is one image on its way to a registry: blobs at the same time, every
// manifest after what it needs, the one with the tag last.
type transfer struct {
	*Copier
	*Original
	Request
	signatures int64 // bytes that were written of them
}

// copyToRegistry writes the whole image under the destination's tag or digest.
func (c *Copier) copyToRegistry(ctx context.Context, request Request, original *Original) (Copied, error) {
	x := &transfer{Copier: c, Original: original, Request: request}
	copied := Copied{Read: x.root.Manifests()}
	written, err := x.root.Manifest, error(nil)
	if request.InPlace {
		err = x.bring(ctx)
	} else {
		written, err = x.push(ctx)
		copied.Written = written.Size
	}
	if err != nil {
		return copied, x.atDestination(err)
	}
	copied.Manifest, copied.Verified = written.Descriptor, true
	signatures, err := c.Sign(ctx, request.Destination, written)
	copied.Written += x.signatures + signatures
	return copied, x.atDestination(err)
}

// push writes the image, once however many tags want it at the same time: the
// others get its manifest only, with what it has become. Its signatures are there
// before any tag is.
func (x *transfer) push(ctx context.Context) (written registry.Manifest, err error) {
	pushed := false
	root := x.root.Manifest
	err = x.Mover.Push(ctx, x.plainBlob(root.Descriptor), func(ctx context.Context) error {
		present := false
		group, needed := errgroup.WithContext(ctx)
		group.Go(func() error { return x.bring(needed) })
		group.Go(func() (err error) {
			present, err = x.provide(needed, x.root)
			return err
		})
		if err := group.Wait(); err != nil {
			return err
		}
		if present { // under another name
			written, err = root, x.write(ctx, x.Destination.Identifier(), root)
		} else {
			written, err = x.put(ctx, x.root, x.Destination.Identifier())
		}
		pushed = err == nil
		x.note(root.Digest, written.Descriptor, err)
		return err
	})
	if err != nil || pushed {
		return written, err
	}
	x.found(x.root)
	if err := x.bring(ctx); err != nil {
		return written, err
	}
	if written, err = x.became(ctx, root); err != nil {
		return written, err
	}
	return written, x.write(ctx, x.Destination.Identifier(), written)
}

// became is what another tag's copy has made of a manifest.
func (x *transfer) became(ctx context.Context, m registry.Manifest) (registry.Manifest, error) {
	if to, changed := x.conversions.Load(x.conversion(m.Digest)); changed {
		return x.Destination.Repository.Manifest(ctx, to.(v1.Descriptor).Digest.String())
	}
	return m, nil
}

// note remembers what a manifest has become, where that is another.
func (x *transfer) note(from digest.Digest, to v1.Descriptor, err error) {
	if err == nil && to.Digest != from {
		x.conversions.Store(x.conversion(from), to)
	}
}

// provide brings everything that t's manifest refers to, unless the repository
// has the manifest, under whatever name.
func (x *transfer) provide(ctx context.Context, t *content.Tree) (present bool, err error) {
	if present, err = x.present(ctx, t); err != nil {
		return false, err
	}
	if present {
		x.found(t)
		return true, nil
	}
	return false, x.fill(ctx, t)
}

// fill brings everything that t's manifest refers to.
func (x *transfer) fill(ctx context.Context, t *content.Tree) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range t.Blobs {
		if x.streamed(t, d) {
			group.Go(func() error { return x.readAhead(ctx, t, d) })
			continue
		}
		group.Go(func() error { return x.Mover.Move(ctx, x.blobOf(t, d)) })
	}
	for _, child := range t.Children {
		group.Go(func() error { return x.instance(ctx, child) })
	}
	return group.Wait()
}

// readAhead reads a config that copy.Image will ask for when the layers are there.
func (x *transfer) readAhead(ctx context.Context, t *content.Tree, d v1.Descriptor) error {
	if t.Config == nil || t.Config.Digest != d.Digest || x.location.Single() {
		return nil
	}
	_, err := x.config(ctx, d, x.openBlob)
	return err
}

// streamed reports whether copy.Image has to see a blob on its way, because it
// may become another one.
func (x *transfer) streamed(t *content.Tree, d v1.Descriptor) bool {
	if t.Config != nil && t.Config.Digest == d.Digest {
		return x.Format != "" || x.location.Single()
	}
	return x.location.Single() || x.mayChange() && compressible(d.MediaType) || x.Format != "" && content.IsSchema1(t.Manifest.MediaType)
}

// instance writes an instance of an index under its digest.
func (x *transfer) instance(ctx context.Context, t *content.Tree) error {
	mine := false
	d := t.Manifest.Descriptor
	err := x.Mover.Instance(ctx, x.plainBlob(d), func(ctx context.Context) (bool, error) {
		mine = true
		present, err := x.provide(ctx, t)
		if err != nil || present {
			return false, err
		}
		written, err := x.put(ctx, t, "")
		x.note(d.Digest, written.Descriptor, err)
		return true, err
	})
	if err == nil && !mine {
		x.found(t)
	}
	return err
}

// put writes t's manifest, under its digest where identifier is empty, after
// what it needs. It returns what it has written, which may be a conversion.
func (x *transfer) put(ctx context.Context, t *content.Tree, identifier string) (registry.Manifest, error) {
	switch {
	case content.IsIndex(t.Manifest.MediaType):
		return x.putIndex(ctx, t, identifier)
	case x.within() || !content.Copyable(t.Manifest.MediaType):
		return t.Manifest, x.write(ctx, identifier, t.Manifest)
	}
	return x.copyImage(ctx, t, identifier)
}

// within reports whether the image stays in one registry as it is, so that
// there is nothing to copy but names.
func (x *transfer) within() bool {
	source, remote := x.location.Remote()
	return remote && source.SameRegistry(x.Destination.Repository) && x.Format == ""
}

// copyImage has copy.Image write one image, whose blobs are there.
func (x *transfer) copyImage(ctx context.Context, t *content.Tree, identifier string) (registry.Manifest, error) {
	destination, err := x.destination(t, identifier)
	if err != nil {
		return registry.Manifest{}, err
	}
	kept, err := x.kept(ctx, t)
	if err != nil {
		return registry.Manifest{}, err
	}
	options := x.options(copy.CopyAllImages)
	options.PreserveDigests = kept != ""
	source, err := part{Original: x.Original, tree: t, open: x.openBlob}.reference()
	if err != nil {
		return registry.Manifest{}, err
	}
	written, err := x.run(ctx, destination, source, options)
	if err != nil && destination.rejected != nil {
		err = destination.rejected
	}
	if fault.Is(err, fault.Internal) && fault.SideOf(err) == "" { // what copy.Image says of the image
		err = x.at(fault.New(fault.Unsupported, err))
	}
	return registry.Manifest{Descriptor: written, Bytes: destination.written}, err
}

// write puts a manifest where it belongs.
func (x *transfer) write(ctx context.Context, identifier string, m registry.Manifest) error {
	if identifier == "" {
		identifier = m.Digest.String()
	}
	if x.Guard != nil && identifier == x.Destination.Identifier() {
		if err := x.Guard(ctx, m.Digest); err != nil {
			return x.atDestination(err)
		}
	}
	err := x.Destination.Repository.PutManifest(ctx, identifier, m)
	switch {
	case !rejectedType(err):
	case !x.AllowConversion && strings.HasPrefix(m.MediaType, "application/vnd.oci."):
		err = fault.WithRemedy(fault.Unsupported, err, "--format v2s2 converts it")
	default:
		err = fault.New(fault.Unsupported, err)
	}
	return x.atDestination(err)
}

// rejectedType reports whether a registry may take the image in another format.
func rejectedType(err error) bool { return errors.Is(err, registry.ErrManifestType) }

// found says that everything below t is there.
func (x *transfer) found(t *content.Tree) {
	for _, d := range t.Blobs {
		x.Mover.Found(x.plainBlob(d), false)
	}
	for _, child := range t.Children {
		x.Mover.Found(x.plainBlob(child.Manifest.Descriptor), true)
		x.found(child)
	}
}

// blobOf is a blob of the image on its way. The config of an image that
// copy.Image is about to read is read once, for both.
func (x *transfer) blobOf(t *content.Tree, d v1.Descriptor) Blob {
	blob := x.plainBlob(d)
	if x.within() || t.Config == nil || t.Config.Digest != d.Digest || !content.Copyable(t.Manifest.MediaType) {
		return blob
	}
	blob.Held = true
	blob.Open = func(ctx context.Context) (io.ReadCloser, error) {
		config, err := x.config(ctx, d, x.openBlob)
		return io.NopCloser(bytes.NewReader(config)), err
	}
	return blob
}

func (x *transfer) plainBlob(d v1.Descriptor) Blob {
	return Blob{
		Descriptor: d, Destination: x.Destination.Repository, Source: x.location.Repository,
		Open: func(ctx context.Context) (io.ReadCloser, error) { return x.blob(ctx, d) }, Fresh: x.Fresh,
	}
}

// openBlob reads a blob for more than its copy.
func (x *transfer) openBlob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	return x.Mover.Read(ctx, x.plainBlob(d))
}

// present reports whether the repository has the manifest, under whatever name,
// and so everything below it. Of an index that it does not have under its tag,
// it is not asked for each instance.
func (x *transfer) present(ctx context.Context, t *content.Tree) (bool, error) {
	if x.Fresh || x.Format != "" || x.New && t != x.root || x.Lacks && t == x.root {
		return false, nil
	}
	_, err := x.Destination.Repository.Resolve(ctx, t.Manifest.Digest.String())
	switch {
	case err == nil:
		return true, nil
	case fault.Is(err, fault.Cancelled):
		return false, err
	}
	// Whatever else is wrong, the write will say it better: a robot account
	// may be refused the read of what it may create.
	return false, nil
}

func (x *transfer) atDestination(err error) error {
	return fault.At(fault.Destination, x.Destination.String(), err)
}
