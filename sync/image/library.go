package image

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
)

// copyToLibrary copies from a registry to one of the library's own transports;
// by the library's transport at the source as well, where there may be
// signatures.
func (c *Copier) copyToLibrary(ctx context.Context, request Request, original *Original) (Copied, error) {
	pooled := original.source
	options := c.convert(&copy.Options{ImageListSelection: copy.CopyAllImages})
	var source types.ImageReference = pooledReference{ImageReference: request.Source.Reference, source: pooled}
	if original.library {
		source = plannedReference{request.Source.Reference, request.Source, original.digest}
		if err := c.choose(options, request, original); err != nil {
			return Copied{}, err
		}
		if original.filtered() && c.Format == "" {
			request.expected = original.choice.Digest
		}
	}
	if request.Destination.Single() {
		if content.IsIndex(pooled.root.Manifest.MediaType) {
			return Copied{}, fault.At(fault.Destination, request.Destination.String(), errIndex(request.Destination))
		}
		options.PreserveDigests = false // those transports keep other formats
	}
	copied, err := c.copyOver(ctx, request, source, options)
	if !original.library && !rejected(err) { // whose source says so itself
		err = destinationFault(request.Destination, err)
	}
	copied.Read = pooled.root.Manifests() + pooled.read.Load()
	copied.Written = copied.Read
	return copied, libraryFault(request, err)
}

// copyFromLibrary copies from one of the library's own transports. Those that
// hold what a registry would (directories, layouts) go over the pooled client;
// the others need the library's conversions.
func (c *Copier) copyFromLibrary(ctx context.Context, request Request) (Copied, error) {
	options := c.convert(&copy.Options{ImageListSelection: copy.CopyAllImages, SourceCtx: request.Source.System})
	if request.Selection.System != nil {
		options.ImageListSelection = copy.CopySystemImage
		options.SourceCtx = choosing(request.Source.System, request.Selection.System)
	}
	if request.Source.Single() || request.Destination.Single() {
		options.PreserveDigests = false
	}
	var copied Copied
	var err error
	if request.Destination.Repository != nil && !request.Source.Single() && !c.signs() && c.Format == "" {
		pooled := &registryDestination{location: request.Destination, mover: request.Mover, fresh: request.Fresh}
		destination := pooledReference{ImageReference: request.Destination.Reference, destination: pooled}
		copied.Manifest, err = c.run(ctx, destination, request.Source.Reference, options)
		copied.Written, copied.Read, copied.Verified = pooled.written.Load(), pooled.read.Load(), err == nil
	} else {
		copied, err = c.copyOver(ctx, request, request.Source.Reference, options)
	}
	return copied, libraryFault(request, err)
}

func (c *Copier) signs() bool { return c.SignBy != "" || len(c.Signers) > 0 }

// copyByLibrary copies between registries with the library's docker transport
// at both ends.
func (c *Copier) copyByLibrary(ctx context.Context, request Request, original *Original) (Copied, error) {
	options := c.convert(&copy.Options{ImageListSelection: copy.CopyAllImages})
	if err := c.choose(options, request, original); err != nil {
		return Copied{}, err
	}
	source := plannedReference{request.Source.Reference, request.Source, original.digest}
	if original.filtered() && c.Format == "" {
		return c.copyInstances(ctx, request, original, source)
	}
	copied, err := c.copyOver(ctx, request, source, options)
	return copied, libraryFault(request, err)
}

// filtered reports whether an index is to be written that no registry has.
func (o *Original) filtered() bool {
	return content.IsIndex(o.choice.MediaType) && o.choice.Bytes != nil && o.choice.Digest != o.digest
}

// choose has the library copy what the selection wants, reached as the source
// is. Of a filtered index the library makes one in its own words; to sign those
// of the plan it has no way.
func (c *Copier) choose(options *copy.Options, request Request, original *Original) error {
	options.SourceCtx = request.Source.System
	switch {
	case request.Selection.System != nil:
		options.ImageListSelection = copy.CopySystemImage
		options.SourceCtx = choosing(request.Source.System, request.Selection.System)
	case original.filtered() && c.signs() && c.Format == "":
		return fault.At(fault.Destination, request.Destination.String(), fault.WithRemedy(fault.Unsupported,
			errors.New("signing an index from which platforms are left out"), "sign it with all platforms, or in a run of its own from a copy of the chosen ones"))
	case original.filtered():
		list, err := manifest.ListFromBlob(original.choice.Bytes, original.choice.MediaType)
		if err != nil {
			return fault.At(fault.Source, request.Source.String(), fault.New(fault.Unsupported, fmt.Errorf("parsing index: %w", err)))
		}
		options.Instances = list.Instances()
		options.ImageListSelection, options.SparseManifestListAction = copy.CopySpecificImages, copy.StripSparseManifestList
		options.PreserveDigests, options.RemoveListSignatures = false, true
	}
	return nil
}

// copyOver copies with a transport of the library at the destination, and reads
// back what that has then. A destination with a format of its own has no digest
// to compare, and an archive none before it is complete.
func (c *Copier) copyOver(ctx context.Context, request Request, source types.ImageReference, options *copy.Options) (Copied, error) {
	written, err := c.runExclusive(ctx, request, source, options)
	if err != nil || request.Destination.Single() {
		return Copied{Manifest: written}, err
	}
	there, err := Look(ctx, request.Destination)
	if err == nil && there.Digest != written.Digest {
		err = fault.New(fault.DigestMismatch, fmt.Errorf("reading back: found %s, written %s", there.Digest, written.Digest))
	}
	return Copied{Manifest: written, Verified: err == nil}, fault.At(fault.Destination, request.Destination.String(), err)
}

// runExclusive copies one image at a time where images share something at the
// destination, and into a directory so that nothing half-written ever has its
// final name.
func (c *Copier) runExclusive(ctx context.Context, request Request, source types.ImageReference, options *copy.Options) (written v1.Descriptor, err error) {
	destination := request.Destination
	options.DestinationCtx = destination.System
	if destination.exclusive != nil {
		destination.exclusive.Lock()
		defer destination.exclusive.Unlock()
	}
	writable, err := destination.writable()
	if err != nil {
		return written, destinationFault(destination, err)
	}
	if destination.Reference.Transport().Name() != "dir" {
		return c.run(ctx, writable, source, options)
	}
	var failed error
	err = replaceDirectory(destination.Reference.StringWithinTransport(), func(temporary types.ImageReference) error {
		if written, failed = c.run(ctx, temporary, source, options); failed != nil {
			return failed
		}
		return request.expect(written)
	})
	if failed != nil {
		return written, failed
	}
	return written, destinationFault(destination, err)
}

// expect refuses what is not as it was planned.
func (r Request) expect(written v1.Descriptor) error {
	if r.expected == "" || r.expected == written.Digest {
		return nil
	}
	return fault.New(fault.DigestMismatch, fmt.Errorf("writing manifest: planned %s, made %s", r.expected, written.Digest))
}
