package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/oci/archive"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/signature"
	imagestorage "go.podman.io/image/v5/storage"
	"go.podman.io/image/v5/types"
	"go.podman.io/storage"

	"csync/sync/fault"
)

// copyToLibrary copies from a registry to one of the library's own transports;
// by the library's transport at the source as well, where there may be
// signatures.
func (c *Copier) copyToLibrary(ctx context.Context, request Request, original *Original) (Copied, error) {
	source := original.source
	options := c.convert(&copy.Options{ImageListSelection: copy.CopyAllImages})
	var from types.ImageReference = pooledReference{ImageReference: request.Source.Reference, source: source}
	if original.library {
		from = request.Source.Reference
		if err := choose(options, request, original.choice); err != nil {
			return Copied{}, err
		}
	}
	if request.Destination.Single() {
		if isIndex(source.root.manifest.MediaType) {
			return Copied{}, fault.At(fault.Destination, request.Destination.String(), errIndex(request.Destination))
		}
		options.PreserveDigests = false // those transports keep other formats
	}
	written, err := c.runExclusive(ctx, request.Destination, from, options)
	if errors.As(err, new(signature.PolicyRequirementError)) {
		err = libraryFault(request.Source, err)
	}
	read := source.root.manifests() + source.read.Load()
	return Copied{Manifest: written, Read: read, Written: read}, fault.At(fault.Destination, request.Destination.String(), storageFault(err))
}

// copyFromLibrary copies from one of the library's own transports. Those that
// hold what a registry would (directories, layouts) go over the pooled client;
// the others need the library's conversions.
func (c *Copier) copyFromLibrary(ctx context.Context, request Request) (Copied, error) {
	options := c.convert(&copy.Options{ImageListSelection: copy.CopyAllImages, SourceCtx: request.Source.System, DestinationCtx: request.Destination.System})
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
		destination := &registryDestination{location: request.Destination, mover: request.Mover, fresh: request.Fresh}
		to := pooledReference{ImageReference: request.Destination.Reference, destination: destination}
		copied.Manifest, err = c.run(ctx, to, request.Source.Reference, options)
		copied.Written = destination.written.Load()
		copied.Read = destination.read.Load()
	} else {
		copied.Manifest, err = c.runExclusive(ctx, request.Destination, request.Source.Reference, options)
	}
	return copied, libraryFault(request.Source, err)
}

func (c *Copier) signs() bool { return c.SignBy != "" || len(c.Signers) > 0 }

// copyByLibrary copies between registries with the library's docker transport
// at both ends. Of a filtered index the library makes one in its own words,
// which the one that was planned then replaces.
func (c *Copier) copyByLibrary(ctx context.Context, request Request, original *Original) (Copied, error) {
	options := c.convert(&copy.Options{ImageListSelection: copy.CopyAllImages, DestinationCtx: request.Destination.System})
	if err := choose(options, request, original.choice); err != nil {
		return Copied{}, err
	}
	written, err := c.run(ctx, request.Destination.Reference, request.Source.Reference, options)
	if err != nil || options.ImageListSelection != copy.CopySpecificImages || c.Format != "" || c.signs() {
		return Copied{Manifest: written}, libraryFault(request.Source, err)
	}
	planned := original.source.root.manifest
	err = request.Destination.Repository.PutManifest(ctx, request.Destination.Identifier(), planned)
	return Copied{Manifest: planned.Descriptor}, fault.At(fault.Destination, request.Destination.String(), err)
}

// choose has the library copy what the selection wants, reached as the source
// is.
func choose(options *copy.Options, request Request, choice Choice) error {
	options.SourceCtx = request.Source.System
	switch {
	case request.Selection.System != nil:
		options.ImageListSelection = copy.CopySystemImage
		options.SourceCtx = choosing(request.Source.System, request.Selection.System)
	case len(request.Selection.Platforms) > 0 && isIndex(choice.MediaType):
		list, err := manifest.ListFromBlob(choice.Bytes, choice.MediaType)
		if err != nil {
			return fault.At(fault.Source, request.Source.String(), fault.New(fault.Unsupported, fmt.Errorf("parsing index: %w", err)))
		}
		options.Instances = list.Instances()
		options.ImageListSelection, options.SparseManifestListAction = copy.CopySpecificImages, copy.StripSparseManifestList
		options.PreserveDigests, options.RemoveListSignatures = false, true
	}
	return nil
}

// choosing is base with the platform of another system.
func choosing(base, platform *types.SystemContext) *types.SystemContext {
	sys := types.SystemContext{}
	if base != nil {
		sys = *base
	}
	sys.OSChoice, sys.ArchitectureChoice, sys.VariantChoice = platform.OSChoice, platform.ArchitectureChoice, platform.VariantChoice
	return &sys
}

// libraryFault finds the kind of an error of the library's own transports.
func libraryFault(l Location, err error) error {
	if err == nil {
		return nil
	}
	var rejected signature.PolicyRequirementError
	switch {
	case errors.As(err, &rejected):
		err = fault.New(fault.Policy, err)
	case errors.As(err, new(docker.ErrUnauthorizedForCredentials)):
		err = fault.New(fault.Unauthorized, err)
	case unreachable(err):
		err = fault.New(fault.Network, err)
	case missing(err):
		err = fault.New(fault.NotFound, err)
	}
	return fault.At(fault.Source, l.String(), err)
}

// missing reports whether err is how one of the transports says that it does
// not have the image.
func missing(err error) bool {
	return errors.Is(err, os.ErrNotExist) ||
		errors.As(err, new(layout.ImageNotFoundError)) ||
		errors.As(err, new(archive.ImageNotFoundError)) ||
		errors.As(err, new(archive.ArchiveFileNotFoundError)) ||
		errors.Is(err, imagestorage.ErrNoSuchImage) ||
		errors.Is(err, storage.ErrImageUnknown)
}

// runExclusive copies into one of the library's transports, one image at a time
// where images share something there, and into a directory so that nothing
// half-written ever has its final name.
func (c *Copier) runExclusive(ctx context.Context, destination Location, source types.ImageReference, options *copy.Options) (written v1.Descriptor, err error) {
	options.DestinationCtx = destination.System
	if destination.exclusive != nil {
		destination.exclusive.Lock()
		defer destination.exclusive.Unlock()
	}
	working, err := destination.writable()
	if err != nil {
		return written, err
	}
	if destination.Reference.Transport().Name() != "dir" {
		return c.run(ctx, working, source, options)
	}
	err = replaceDirectory(destination.Reference.StringWithinTransport(), func(temporary types.ImageReference) error {
		written, err = c.run(ctx, temporary, source, options)
		return err
	})
	return written, err
}

// Look is the manifest that a location now has under its reference, as the
// transport gives it. The error has the kind not-found where there is none.
func Look(ctx context.Context, l Location) (v1.Descriptor, error) {
	if l.Repository != nil {
		return l.Repository.Resolve(ctx, l.Identifier())
	}
	if l.look != nil {
		return l.look(ctx)
	}
	return lookInside(ctx, l)
}

// lookInside opens the image.
func lookInside(ctx context.Context, l Location) (v1.Descriptor, error) {
	source, err := l.Reference.NewImageSource(ctx, l.System)
	if err != nil && l.Reference.Transport().Name() == "docker-daemon" && !unreachable(err) && ctx.Err() == nil {
		return v1.Descriptor{}, fault.New(fault.NotFound, err) // a daemon that answers does not have it
	}
	if err != nil {
		return v1.Descriptor{}, lookFault(err)
	}
	defer source.Close()
	bytes, mediaType, err := source.GetManifest(ctx, nil)
	if err != nil {
		return v1.Descriptor{}, lookFault(err)
	}
	there, err := describe(bytes)
	if mediaType != "" {
		there.MediaType = mediaType
	}
	return there, err
}

// describe is the descriptor of a manifest's bytes.
func describe(bytes []byte) (v1.Descriptor, error) {
	sum, err := manifest.Digest(bytes)
	if err != nil {
		return v1.Descriptor{}, fault.New(fault.Unsupported, fmt.Errorf("computing a manifest's digest: %w", err))
	}
	return v1.Descriptor{MediaType: manifest.GuessMIMEType(bytes), Digest: sum, Size: int64(len(bytes))}, nil
}

func lookFault(err error) error {
	err = fmt.Errorf("reading manifest: %w", err)
	switch {
	case unreachable(err):
		return fault.New(fault.Network, err)
	case missing(err):
		return fault.New(fault.NotFound, err)
	}
	return storageFault(err)
}

// unreachable reports whether a connection, to Docker's daemon for one, did not
// come about; that its socket does not exist says nothing of the image.
func unreachable(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network && !errors.Is(err, context.Canceled)
}
