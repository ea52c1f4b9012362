package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	ociarchive "go.podman.io/image/v5/oci/archive"
	"go.podman.io/image/v5/oci/layout"
	imagestorage "go.podman.io/image/v5/storage"
	"go.podman.io/storage"

	"csync/sync/fault"
)

// Look is the manifest that a location now has under its reference, as the
// transport gives it. The error has the kind not-found where there is none.
func Look(ctx context.Context, l Location) (v1.Descriptor, error) {
	if remote, ok := l.Remote(); ok {
		return remote.Resolve(ctx, remote.Identifier)
	}
	if l.inside != nil {
		return l.inside.look(ctx)
	}
	if l.look != nil {
		return l.look(ctx)
	}
	return lookInside(ctx, l)
}

// lookInside opens the image.
func lookInside(ctx context.Context, l Location) (v1.Descriptor, error) {
	there, err := Read(ctx, l)
	if fault.Is(err, fault.Internal) && l.Reference.Transport().Name() == "docker-daemon" && ctx.Err() == nil {
		return v1.Descriptor{}, fault.New(fault.NotFound, err) // a daemon that answers does not have it
	}
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer there.Close()
	return there.Manifest.Descriptor, nil
}

func lookFault(err error) error { return kindOf(fmt.Errorf("reading manifest: %w", err)) }

// kindOf is err with the kind that one of the library's transports implies, where
// it has none.
func kindOf(err error) error {
	switch {
	case err == nil || fault.KindOf(err) != fault.Internal:
		return err
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

// missing reports whether err is how one of the transports says that it does
// not have the image.
func missing(err error) bool {
	return errors.Is(err, os.ErrNotExist) ||
		errors.As(err, new(layout.ImageNotFoundError)) ||
		errors.As(err, new(ociarchive.ImageNotFoundError)) ||
		errors.As(err, new(ociarchive.ArchiveFileNotFoundError)) ||
		errors.Is(err, imagestorage.ErrNoSuchImage) ||
		errors.Is(err, storage.ErrImageUnknown)
}
