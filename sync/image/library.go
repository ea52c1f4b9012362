package image

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// errSignatures says what a transport of the library cannot be given.
var errSignatures = fault.WithRemedy(fault.Unsupported, errors.New("the image has signatures, which cannot be kept there"), "use --remove-signatures")

// errIndex explains why an index does not fit.
func errIndex(l Location) error {
	return fault.WithRemedy(fault.Unsupported,
		fmt.Errorf("%s keeps one platform of an image, not an index", l.Reference.Transport().Name()), "choose one with platforms:")
}

// copyToLibrary copies to one of the library's own transports, the whole image
// at once, and reads back what that has then. A destination with a format of its
// own has no digest to compare, and an archive none before it is complete.
func (c *Copier) copyToLibrary(ctx context.Context, request Request, original *Original) (Copied, error) {
	destination := request.Destination
	if err := c.canSign(destination); err != nil {
		return Copied{}, err
	}
	if destination.Single() && original.indexed() {
		return Copied{}, fault.At(fault.Destination, destination.String(), errIndex(destination))
	}
	var read atomic.Int64
	whole := part{Original: original, tree: original.root, open: original.blob, read: &read}
	if !c.RemoveSignatures && !destination.isDirectory() {
		whole.signatures = original.carried(destination, request.Referrers)
	}
	written, err := c.runExclusive(ctx, request, whole)
	copied := Copied{Manifest: written, Read: original.root.Manifests() + read.Load()}
	copied.Written = copied.Read
	if err != nil || destination.Single() {
		return copied, destinationFault(destination, err)
	}
	there, err := Look(ctx, destination)
	if err == nil && there.Digest != written.Digest {
		err = fault.New(fault.DigestMismatch, fmt.Errorf("reading back: found %s, written %s", there.Digest, written.Digest))
	}
	copied.Verified = err == nil
	return copied, fault.At(fault.Destination, destination.String(), err)
}

// runExclusive copies one image at a time where images share something at the
// destination, and into a directory so that nothing half-written ever has its
// final name.
func (c *Copier) runExclusive(ctx context.Context, request Request, whole part) (written v1.Descriptor, err error) {
	destination := request.Destination
	options := c.options(copy.CopyAllImages)
	options.SourceCtx, options.DestinationCtx = request.Source.System, withoutBlobInfoCache(destination.System)
	if request.Source.Single() || destination.Single() {
		options.PreserveDigests = false // those transports keep other formats
	}
	if destination.exclusive != nil {
		destination.exclusive.Lock()
		defer destination.exclusive.Unlock()
	}
	writable, err := destination.writable()
	if err != nil {
		return written, err
	}
	if destination.inside != nil && options.PreserveDigests {
		return c.copyInside(ctx, destination.inside, whole)
	}
	source, err := whole.reference()
	if err != nil {
		return written, err
	}
	if !destination.isDirectory() {
		return c.run(ctx, writable, source, options)
	}
	err = replaceDirectory(ctx, destination.Reference.StringWithinTransport(), func(temporary types.ImageReference) (err error) {
		if written, err = c.run(ctx, temporary, source, options); err != nil {
			return err
		}
		return c.inDirectory(ctx, temporary.StringWithinTransport(), whole.Original)
	})
	return written, err
}

// destinationFault says that copy.Image failed at the destination, unless the
// source has said that it was there.
func destinationFault(destination Location, err error) error {
	return fault.At(fault.Destination, destination.String(), kindOf(err))
}
