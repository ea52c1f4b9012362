package image

import (
	"context"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/storage"

	"csync/sync/fault"
	"csync/sync/image/trust"
)

// bring copies the signatures of all the image's manifests, those that the
// destination lacks.
func (x *transfer) bring(ctx context.Context) error {
	if x.RemoveSignatures {
		return nil
	}
	home, err := x.homeOf(x.Destination)
	if err != nil {
		return x.atDestination(err)
	}
	var total atomic.Int64
	err = each(ctx, x.signed(), func(ctx context.Context, of digest.Digest) error {
		added, err := x.bringOne(ctx, of, home)
		total.Add(added)
		return err
	})
	x.signatures = total.Load()
	return err
}

func (x *transfer) bringOne(ctx context.Context, of digest.Digest, home *trust.Home) (written int64, err error) {
	defer home.Hold(of)()
	addition := trust.Addition{Of: of}
	addition.From, _ = x.home.Store.(*trust.Home)
	if addition.Has, err = home.Written(ctx, of); err != nil {
		return 0, x.atDestination(storageFault(err))
	}
	if addition.More, err = trust.Missing(ctx, of, addition.Has, x.home); err != nil {
		return 0, x.at(err)
	}
	written, err = home.Add(ctx, addition)
	return written, x.atDestination(storageFault(err))
}

// mayTravel reports whether the source may have signatures that have to be at
// the destination.
func (c *Copier) mayTravel(request Request) (bool, error) {
	_, remote := request.Destination.Remote()
	if c.RemoveSignatures || !remote && !request.Destination.isDirectory() {
		return false, nil
	}
	from, err := c.signaturesOf(request.Source, request.Digest, nil)
	if err != nil {
		return false, fault.At(fault.Source, request.Source.String(), err)
	}
	possible, ok := from.(interface{ Possible() bool })
	return ok && possible.Possible(), nil
}

// Attaches reports whether sigstore's signatures that are attached to the source
// are brought along by every copy, and are among those of the destination then.
func (c *Copier) Attaches(request Request) (bool, error) {
	travel, err := c.mayTravel(request)
	if _, remote := request.Destination.Remote(); err != nil || !travel || !remote {
		return false, err
	}
	for _, l := range []Location{request.Source, request.Destination} {
		home, err := c.homeOf(l)
		if err != nil || !home.Attaches() {
			return false, err
		}
	}
	return true, nil
}

// missing reports whether the destination lacks a signature of the source.
func (c *Copier) missing(ctx context.Context, request Request, signed []digest.Digest) (bool, error) {
	travel, err := c.mayTravel(request)
	if err != nil || !travel {
		return false, err
	}
	from, err := c.signaturesOf(request.Source, request.Digest, nil)
	if err != nil {
		return false, err
	}
	var missing atomic.Bool
	err = each(ctx, signed, func(ctx context.Context, of digest.Digest) error {
		lacks, err := c.lacks(ctx, request, of, from)
		if lacks {
			missing.Store(true)
		}
		return err
	})
	return missing.Load(), err
}

// lacks reports whether the destination lacks a signature of a manifest.
func (c *Copier) lacks(ctx context.Context, request Request, of digest.Digest, from trust.Store) (bool, error) {
	atSource := func(err error) error { return fault.At(fault.Source, request.Source.String(), err) }
	atDestination := func(err error) error { return fault.At(fault.Destination, request.Destination.String(), err) }
	has := trust.Directory{Path: request.Destination.Reference.StringWithinTransport(), Top: request.There}.Signatures
	if _, remote := request.Destination.Remote(); remote {
		home, err := c.homeOf(request.Destination)
		if err != nil {
			return false, atDestination(err)
		}
		if other, ok := from.(*trust.Home); ok {
			lacks, err := home.Lacks(ctx, of, other)
			return lacks, atSource(err)
		}
		has = home.Written
	}
	there, err := has(ctx, of)
	if err != nil {
		return false, atDestination(err)
	}
	missing, err := trust.Missing(ctx, of, there, from)
	return len(missing) > 0, atSource(err)
}

// carried are the signatures that copy.Image is to write with an image to a
// transport of the library: of all of those only podman's store keeps any, simple
// ones. Those of sigstore are among what refers to the image, where an OCI layout
// gets that.
func (o *Original) carried(into Location, referrers bool) func(context.Context, digest.Digest) ([][]byte, error) {
	keeps := into.Reference.Transport().Name() == storage.Transport.Name()
	return func(ctx context.Context, of digest.Digest) ([][]byte, error) {
		found, err := o.home.Signatures(ctx, of)
		if err != nil {
			return nil, o.at(err)
		}
		var all [][]byte
		for _, signature := range found {
			if signature.Sigstore() && referrers && into.inside != nil {
				continue
			}
			if signature.Sigstore() || !keeps {
				return nil, fault.At(fault.Destination, into.String(), errSignatures)
			}
			all = append(all, signature)
		}
		return all, nil
	}
}

// inDirectory writes the signatures of an image into its directory.
func (c *Copier) inDirectory(ctx context.Context, path string, o *Original) error {
	if c.RemoveSignatures {
		return nil
	}
	for _, of := range o.signed() {
		found, err := o.home.Signatures(ctx, of)
		if err != nil {
			return o.at(err)
		}
		instance := of
		if of == o.root.Manifest.Digest {
			instance = ""
		}
		if err := trust.WriteDirectory(path, instance, found); err != nil {
			return err
		}
	}
	return nil
}
