package image

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/types"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image/trust"
	"csync/sync/registry"
)

// maxQuestions is how many manifests of one image the policy is asked about, or
// signatures are looked for, at the same time.
const maxQuestions = 16

// each asks for all, until one fails.
func each[T any](ctx context.Context, all []T, ask func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxQuestions)
	for _, one := range all {
		group.Go(func() error { return ask(ctx, one) })
	}
	return group.Wait()
}

// admit asks the policy about an image and everything below it, under the name
// that the user gave it, before anything of it is moved.
func (c *Copier) admit(ctx context.Context, o *Original) error {
	decided, err := c.Trust.Blanket(ctx, o.location.Reference)
	if decided && err != nil {
		return err
	}
	question := trust.Question{Reference: o.location.Reference, Source: o.digest, Chosen: o.root.Manifest.Digest}
	if _, known := c.Trust.Remembered(question); !decided && !known {
		if err := c.ask(ctx, o); err != nil {
			return err
		}
	}
	if home, ok := o.home.Store.(*trust.Home); !decided || ok && home.Possible() {
		c.Trust.Remember(question, trust.Admission{Subjects: o.signed()})
	}
	return nil
}

// ask asks about every manifest by itself but, as copy.Image does, not about an
// index: what is taken of that are its instances. Only an index has any, or
// package content would have refused the manifest.
func (c *Copier) ask(ctx context.Context, o *Original) error {
	return each(ctx, o.root.All(), func(ctx context.Context, m registry.Manifest) error {
		if len(o.root.Find(m.Digest).Children) > 0 {
			return nil
		}
		return c.Trust.Allow(ctx, o.location.Reference, m, o.home)
	})
}

// Vouch asks the policy about an image that is not copied, because it is in place
// or only gets another name. The request's digest is the source's manifest.
func (c *Copier) Vouch(ctx context.Context, request Request) error {
	decided, err := c.Trust.Blanket(ctx, request.Source.Reference)
	if _, remote := request.Source.Remote(); !decided && remote {
		_, decided = c.Trust.Remembered(request.question())
		err = nil
	}
	if decided {
		return fault.At(fault.Source, request.Source.String(), err)
	}
	original, err := c.Read(ctx, request)
	if err == nil {
		original.Close()
	}
	return err
}

// Complete reports whether an image that is in place needs nothing more: the
// policy admits it, the destination has all signatures of the source, and those
// of the copier's signers.
func (c *Copier) Complete(ctx context.Context, request Request) (bool, error) {
	if err := c.Vouch(ctx, request); err != nil {
		return false, err
	}
	if err := c.canSign(request.Destination); err != nil {
		return false, err
	}
	travel, err := c.mayTravel(request)
	if err != nil || !travel && len(c.Signers) == 0 {
		return err == nil, err
	}
	signed, err := c.subjects(ctx, request)
	if err != nil {
		return false, err
	}
	missing, err := c.missing(ctx, request, signed)
	if err != nil || missing {
		return false, err
	}
	return c.allSigned(ctx, request.Destination, request.There)
}

// question is what the policy is asked about the planned image.
func (r Request) question() trust.Question {
	return trust.Question{Reference: r.Source.Reference, Source: r.Digest, Chosen: r.Chosen}
}

// subjects are the digests that signatures may be of, as an earlier run has
// found them, or read now.
func (c *Copier) subjects(ctx context.Context, request Request) ([]digest.Digest, error) {
	if known, found := c.Trust.Remembered(request.question()); found {
		return known.Subjects, nil
	}
	original, err := c.Read(ctx, request)
	if err != nil {
		return nil, err
	}
	defer original.Close()
	return original.signed(), nil
}

// signaturesOf is where the signatures of a source are, top being its manifest.
func (c *Copier) signaturesOf(l Location, top digest.Digest, library types.ImageSource) (trust.Store, error) {
	if _, remote := l.Remote(); remote {
		return c.homeOf(l)
	}
	if l.isDirectory() {
		return trust.Directory{Path: l.Reference.StringWithinTransport(), Top: top}, nil
	}
	if l.inside != nil {
		return noSignatures{}, nil
	}
	return librarySignatures{library, top}, nil
}

// homeOf is where the signatures of a location in a registry are.
func (c *Copier) homeOf(l Location) (*trust.Home, error) {
	return c.Homes.Of(l.Reference, l.Repository)
}

// noSignatures are those of an OCI layout, which keeps them as images only.
type noSignatures struct{}

func (noSignatures) Signatures(context.Context, digest.Digest) ([]trust.Signature, error) {
	return nil, nil
}

// librarySignatures are those that a transport of the library tells of.
type librarySignatures struct {
	source types.ImageSource
	top    digest.Digest
}

func (s librarySignatures) Signatures(ctx context.Context, of digest.Digest) ([]trust.Signature, error) {
	instance := &of
	if of == s.top {
		instance = nil
	}
	found, err := s.source.GetSignatures(ctx, instance)
	if err != nil {
		return nil, fmt.Errorf("reading signatures: %w", err)
	}
	var all []trust.Signature
	for _, signature := range found {
		all = append(all, signature)
	}
	return all, nil
}

// signed are the digests that signatures at a destination may be of: of an index
// that only a selection has made, there are none.
func (o *Original) signed() []digest.Digest {
	all := o.root.Digests()
	if o.cut() {
		return all[1:]
	}
	return all
}

// indexed reports whether the original is one.
func (o *Original) indexed() bool { return content.IsIndex(o.root.Manifest.MediaType) }
