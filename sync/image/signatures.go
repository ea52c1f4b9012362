package image

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image/trust"
)

// bring copies the signatures of all the image's manifests, those that the
// destination lacks.
func (x *transfer) bring(ctx context.Context) error {
	if x.RemoveSignatures {
		return nil
	}
	home, err := x.Homes.Of(x.Destination.Reference, x.Destination.Repository)
	if err != nil {
		return x.atDestination(err)
	}
	var total atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxQuestions)
	for _, of := range x.signed() {
		group.Go(func() error {
			has, missing, err := trust.Missing(ctx, of, home, x.home)
			if err != nil {
				return x.at(err)
			}
			added, err := home.Add(ctx, of, has, missing)
			total.Add(added)
			return x.atDestination(storageFault(err))
		})
	}
	err = group.Wait()
	x.signatures = total.Load()
	return err
}

// mayTravel reports whether the source may have signatures that have to be at
// the destination.
func (c *Copier) mayTravel(request Request) (bool, error) {
	keeps := request.Destination.Repository != nil || request.Destination.isDirectory()
	if c.RemoveSignatures || request.Source.Repository == nil || !keeps {
		return false, nil
	}
	home, err := c.Homes.Of(request.Source.Reference, request.Source.Repository)
	if err != nil {
		return false, fault.At(fault.Source, request.Source.String(), err)
	}
	return home.Possible(), nil
}

// missing reports whether the destination lacks a signature of the source.
func (c *Copier) missing(ctx context.Context, request Request, signed []digest.Digest) (bool, error) {
	travel, err := c.mayTravel(request)
	if err != nil || !travel {
		return false, err
	}
	from, err := c.Homes.Of(request.Source.Reference, request.Source.Repository)
	if err != nil {
		return false, err
	}
	to, err := c.kept(request)
	if err != nil {
		return false, err
	}
	lacks := make([]bool, len(signed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxQuestions)
	for i, of := range signed {
		group.Go(func() error {
			_, missing, err := trust.Missing(ctx, of, to, from)
			lacks[i] = len(missing) > 0
			return fault.At(fault.Source, request.Source.String(), err)
		})
	}
	err = group.Wait()
	return slices.Contains(lacks, true), err
}

// kept is where the destination keeps signatures.
func (c *Copier) kept(request Request) (trust.Keeper, error) {
	destination := request.Destination
	if destination.Repository == nil {
		return trust.Directory{Path: destination.Reference.StringWithinTransport(), Top: request.Chosen}, nil
	}
	return c.Homes.Of(destination.Reference, destination.Repository)
}

// carried are the signatures that copy.Image is to write with an image to a
// transport of the library, which knows simple ones only.
func (o *Original) carried(ctx context.Context, of digest.Digest) ([][]byte, error) {
	found, err := o.home.Signatures(ctx, of)
	if err != nil {
		return nil, o.at(err)
	}
	var all [][]byte
	for _, signature := range found {
		if signature.Sigstore() {
			return nil, errNoSigstore
		}
		all = append(all, signature)
	}
	return all, nil
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
