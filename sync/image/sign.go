package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/signature/signer"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image/gpg"
	"csync/sync/image/trust"
	"csync/sync/registry"
)

// Signing is a manifest that is to be signed under a name.
type Signing struct {
	Manifest registry.Manifest
	Name     reference.Named
	// Repository has the manifest, and its config.
	Repository *registry.Repository
}

// Signer signs images at registries.
type Signer interface {
	// Sign makes a signature.
	Sign(ctx context.Context, s Signing) (trust.Signature, error)
	// Signed reports whether one of the signatures is the signer's own.
	Signed(ctx context.Context, s Signing, signatures []trust.Signature) (bool, error)
}

// canSign refuses places where csync cannot sign, before anything is copied.
func (c *Copier) canSign(destination Location) error {
	if _, remote := destination.Remote(); remote || len(c.Signers) == 0 {
		return nil
	}
	return fault.At(fault.Destination, destination.String(), fault.New(fault.Unsupported, fmt.Errorf("only images at registries can be signed")))
}

// Sign signs what a registry has, the image and its instances, where it lacks a
// signer's signature. written is the number of bytes that went there.
func (c *Copier) Sign(ctx context.Context, destination Location, root registry.Manifest) (written int64, err error) {
	if len(c.Signers) == 0 {
		return 0, nil
	}
	if err := c.canSign(destination); err != nil {
		return 0, err
	}
	home, err := c.homeOf(destination)
	if err != nil {
		return 0, err
	}
	var total atomic.Int64
	err = destination.signings(ctx, root, func(ctx context.Context, s Signing) error {
		added, err := c.signOne(ctx, s, home)
		total.Add(added)
		return err
	})
	return total.Load(), err
}

// signings does what there is to do for an image at a registry and for each of its
// instances.
func (l Location) signings(ctx context.Context, root registry.Manifest, do func(context.Context, Signing) error) error {
	tree, err := content.Load(ctx, l.Repository, root)
	if err != nil {
		return fmt.Errorf("reading what is to be signed: %w", err)
	}
	return each(ctx, tree.All(), func(ctx context.Context, m registry.Manifest) error {
		return do(ctx, Signing{m, l.Reference.DockerReference(), l.Repository})
	})
}

func (c *Copier) signOne(ctx context.Context, s Signing, home *trust.Home) (written int64, err error) {
	defer home.Hold(s.Manifest.Digest)()
	has, lacking, err := c.lacking(ctx, s, home)
	if err != nil || len(lacking) == 0 {
		return 0, err
	}
	var made []trust.Signature
	for _, by := range lacking {
		signature, err := by.Sign(ctx, s)
		if err != nil {
			return 0, fmt.Errorf("creating signature: %w", err)
		}
		made = append(made, signature)
	}
	c.say("Storing signatures\n")
	written, err = home.Add(ctx, trust.Addition{Of: s.Manifest.Digest, Has: has, More: made})
	return written, storageFault(err)
}

// lacking are the signers that have not signed a manifest, and the signatures that
// it has.
func (c *Copier) lacking(ctx context.Context, s Signing, home *trust.Home) (has []trust.Signature, by []Signer, err error) {
	if has, err = home.Written(ctx, s.Manifest.Digest); err != nil {
		return nil, nil, err
	}
	for _, signer := range c.Signers {
		signed, err := signer.Signed(ctx, s, has)
		if err != nil {
			return nil, nil, err
		}
		if !signed {
			by = append(by, signer)
		}
	}
	return has, by, nil
}

// allSigned reports whether all signers have signed the image that a destination
// has, and its instances.
func (c *Copier) allSigned(ctx context.Context, destination Location, there digest.Digest) (bool, error) {
	if len(c.Signers) == 0 {
		return true, nil
	}
	lacks, err := c.unsigned(ctx, destination, there)
	return !lacks && err == nil, fault.At(fault.Destination, destination.String(), err)
}

func (c *Copier) unsigned(ctx context.Context, destination Location, there digest.Digest) (bool, error) {
	home, err := c.homeOf(destination)
	if err != nil {
		return false, err
	}
	has, err := home.Written(ctx, there)
	if err != nil || len(has) == 0 {
		return true, err
	}
	root, err := destination.Repository.Manifest(ctx, there.String())
	if err != nil {
		return false, err
	}
	var lacks atomic.Bool
	err = destination.signings(ctx, root, func(ctx context.Context, s Signing) error {
		_, by, err := c.lacking(ctx, s, home)
		if len(by) > 0 {
			lacks.Store(true)
		}
		return err
	})
	return lacks.Load(), err
}

// GPG is a [Signer] with a key of the gpg program.
type GPG struct{ *gpg.Signer }

// Sign makes a simple signature.
func (g GPG) Sign(ctx context.Context, s Signing) (trust.Signature, error) {
	return g.Signer.Sign(ctx, s.Manifest.Bytes, s.Name.String())
}

// Signed verifies simple signatures with the key.
func (g GPG) Signed(_ context.Context, s Signing, signatures []trust.Signature) (bool, error) {
	for _, signature := range signatures {
		if !signature.Sigstore() && g.Verify(signature, s.Manifest.Bytes, s.Name.String()) == nil {
			return true, nil
		}
	}
	return false, nil
}

// Library is a [Signer] of containers/image's. Those sign only what copy.Image
// writes: here a directory of dir:, with a manifest and nothing below it.
type Library struct {
	Signer  *signer.Signer
	Accepts Accepts
}

// Signed asks Accepts.
func (l Library) Signed(ctx context.Context, s Signing, signatures []trust.Signature) (bool, error) {
	return l.Accepts(ctx, s, signatures)
}

// Sign makes a signature in the signer's format.
func (l Library) Sign(ctx context.Context, s Signing) (signature trust.Signature, err error) {
	path, err := os.MkdirTemp("", "csync-sign-")
	if err != nil {
		return nil, fault.New(fault.Internal, fmt.Errorf("creating a temporary directory: %w", err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(path)) }()
	ref, err := directory.NewReference(path)
	if err != nil {
		return nil, fault.New(fault.Internal, err)
	}
	tree, err := content.Parse(s.Manifest)
	if err != nil {
		return nil, err
	}
	o := &Original{location: Location{Reference: ref, Repository: s.Repository}, root: tree, configs: &configs{}}
	source, err := part{Original: o, tree: tree, open: s.Repository.Blob}.reference()
	if err != nil {
		return nil, err
	}
	_, err = (&Copier{}).run(ctx, hollowReference{ref, tree}, source, &copy.Options{
		ImageListSelection: copy.CopySpecificImages, // none of them
		Signers:            []*signer.Signer{l.Signer}, SignIdentity: s.Name, PreserveDigests: true,
		DestinationCtx: withoutBlobInfoCache(nil),
	})
	if err != nil {
		return nil, err
	}
	made, err := trust.Directory{Path: path, Top: s.Manifest.Digest}.Signatures(ctx, s.Manifest.Digest)
	if err == nil && len(made) != 1 {
		err = fault.New(fault.Internal, fmt.Errorf("%d signatures were made instead of one", len(made)))
	}
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// hollowReference is a directory that seems to have every layer.
type hollowReference struct {
	types.ImageReference
	tree *content.Tree
}

func (r hollowReference) NewImageDestination(ctx context.Context, sys *types.SystemContext) (types.ImageDestination, error) {
	destination, err := r.ImageReference.NewImageDestination(ctx, sys)
	if err != nil {
		return nil, err
	}
	for _, blob := range r.tree.Blobs {
		if err := hollow(r.StringWithinTransport(), blob); err != nil {
			return nil, errors.Join(err, destination.Close())
		}
	}
	return destination, nil
}

func hollow(path string, blob v1.Descriptor) error {
	name := blob.Digest.Encoded()
	if blob.Digest.Algorithm() != digest.Canonical {
		name = blob.Digest.Algorithm().String() + "-" + name
	}
	return os.WriteFile(filepath.Join(path, name), nil, 0o600)
}
