package image

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/signature/signer"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// Copier copies images, all in the same way. It is safe for concurrent use.
type Copier struct {
	// Policy decides which source images may be copied; required.
	Policy *signature.Policy
	// RequireSigned refuses what the policy accepts without a signature.
	RequireSigned bool
	// RemoveSignatures leaves the source's signatures behind.
	RemoveSignatures bool
	// Signers and SignBy (a GPG key ID, with SignPassphrase) sign what is written.
	Signers        []*signer.Signer
	SignBy         string
	SignPassphrase string
	// Format converts manifests to this media type; empty keeps every digest.
	Format string
	// AllowConversion lets containers/image change a manifest that the
	// destination cannot take as it is, as skopeo does without
	// --preserve-digests.
	AllowConversion bool
	// PreserveDigests refuses even the conversion that Format asks for.
	PreserveDigests bool
	// Log receives containers/image's lines about each copy; nil: nowhere.
	Log io.Writer

	signed sync.Map // policy identity -> whether it may have signatures (bool)
}

// Request is one image to copy.
type Request struct {
	Source, Destination Location
	// Original, if not nil, is the source as [Copier.Read] has read it.
	Original *Original
	// Digest is that of the source's manifest as it was planned; empty reads
	// whatever the reference names now.
	Digest digest.Digest
	// Manifest is the source's with that digest; nil: it has to be read.
	Manifest  *registry.Manifest
	Selection content.Selection
	// Fresh says that the destination repository had nothing when planned.
	Fresh bool
	Mover Mover

	expected digest.Digest // of what the library makes; empty: whatever it makes
}

// Copied is what a copy did, apart from the blobs that the Mover moved.
type Copied struct {
	// Source is the digest of the source's manifest, before any selection; empty
	// where the source is no registry.
	Source digest.Digest
	// Manifest is what the destination now has under its reference.
	Manifest v1.Descriptor
	// Verified says that the destination was seen to have the manifest: a
	// registry has confirmed its digest, or it was read back.
	Verified bool
	// Platforms are those of the instances that were written, if any index was.
	Platforms []string
	// Read and Written are bytes of manifests, and of blobs, that the Mover was
	// not told of.
	Read, Written int64
}

// Copy makes the destination what the selection makes of the source. The error
// says on which side it happened; it is a *content.NotWantedError where the image is of
// a platform that the selection leaves out.
func (c *Copier) Copy(ctx context.Context, request Request) (Copied, error) {
	if request.Source.Repository == nil {
		return c.copyFromLibrary(ctx, request)
	}
	original := request.Original
	if original == nil {
		var err error
		if original, err = c.Read(ctx, request); err != nil {
			return Copied{}, err
		}
	}
	var copied Copied
	var err error
	switch {
	case original.library && request.Destination.Repository != nil:
		logrus.Debugf("%s is copied by containers/image's own transport: signatures or a conversion need it", request.Source)
		copied, err = c.copyByLibrary(ctx, request, original)
	case request.Destination.Repository == nil:
		copied, err = c.copyToLibrary(ctx, request, original)
	default:
		copied, err = c.copyBetweenRegistries(ctx, request, original.source)
	}
	copied.Source, copied.Platforms = original.digest, original.choice.Platforms
	return copied, err
}

// Original is a source image of a registry: its manifests, admitted by the
// policy. It can be copied to several destinations at the same time.
type Original struct {
	digest  digest.Digest // of the source's manifest, before any selection
	source  *registrySource
	choice  content.Choice
	library bool // only the library's own transport can copy it
}

// Read reads the manifests of a request's source that its selection wants, and
// asks the policy about them. The request needs no destination.
func (c *Copier) Read(ctx context.Context, request Request) (*Original, error) {
	original, err := read(ctx, request)
	if err != nil {
		return nil, fault.At(fault.Source, request.Source.String(), err)
	}
	if original.library, err = c.needsLibrary(ctx, original.source); err != nil {
		return nil, err
	}
	return original, nil
}

// read reads the source's manifest, chooses from it, and reads all manifests
// below the choice.
func read(ctx context.Context, request Request) (*Original, error) {
	repository := request.Source.Repository
	m, err := request.manifest(ctx)
	if err != nil {
		return nil, err
	}
	choice, err := request.Selection.Choose(ctx, repository, m)
	if err != nil {
		return nil, err
	}
	wanted := registry.Manifest{Descriptor: choice.Descriptor, Bytes: choice.Bytes}
	if choice.Bytes == nil {
		if wanted, err = repository.Manifest(ctx, choice.Digest.String()); err != nil {
			return nil, err
		}
	}
	root, err := content.Load(ctx, repository, wanted)
	if err != nil {
		return nil, err
	}
	source := &registrySource{location: request.Source, root: root}
	return &Original{digest: m.Digest, source: source, choice: choice}, nil
}

// manifest is the source's, before any selection.
func (r Request) manifest(ctx context.Context) (registry.Manifest, error) {
	switch {
	case r.Manifest != nil:
		return *r.Manifest, nil
	case r.Digest != "":
		return r.Source.Repository.Manifest(ctx, r.Digest.String())
	}
	return r.Source.Repository.Manifest(ctx, r.Source.Identifier())
}

// needsLibrary reports whether only the library's own docker transport can do
// this copy, and refuses what the policy does not allow.
func (c *Copier) needsLibrary(ctx context.Context, source *registrySource) (bool, error) {
	signatures, err := c.admit(ctx, source)
	if err != nil || signatures {
		return signatures, err
	}
	if c.Format != "" || c.SignBy != "" || len(c.Signers) > 0 {
		return true, nil
	}
	if c.RemoveSignatures {
		return false, nil
	}
	name := source.location.Reference.PolicyConfigurationIdentity() // which registries.d may name
	if known, ok := c.signed.Load(name); ok {
		return known.(bool), nil
	}
	signed, err := hasSignatures(source.location)
	if err != nil {
		return false, source.at(fault.New(fault.Input, err))
	}
	c.signed.Store(name, signed)
	return signed, nil
}

// copyBetweenRegistries moves an image as it is. There is nothing for copy.Image
// to decide: the policy has been asked, and no digest may change. It would read
// every config before it decides so, which is a blob where none need be moved,
// take one instance of an index after another, and refuse what is no image.
func (c *Copier) copyBetweenRegistries(ctx context.Context, request Request, source *registrySource) (Copied, error) {
	x := &transfer{source: source, destination: request.Destination, mover: request.Mover, fresh: request.Fresh}
	c.logCopy(source.root)
	if err := x.push(ctx); err != nil {
		return Copied{Read: source.root.Manifests()}, fault.At(fault.Destination, request.Destination.String(), err)
	}
	root := source.root.Manifest.Descriptor
	return Copied{Manifest: root, Verified: true, Read: source.root.Manifests(), Written: root.Size}, nil
}

// logCopy writes what copy.Image would write about the same image.
func (c *Copier) logCopy(root *content.Tree) {
	if c.Log == nil {
		return
	}
	_, _ = fmt.Fprintln(c.Log, "Getting image source signatures")
	for _, blob := range root.Blobs {
		_, _ = fmt.Fprintf(c.Log, "Copying blob %s\n", blob.Digest)
	}
	for i, child := range root.Children {
		_, _ = fmt.Fprintf(c.Log, "Copying image %s (%d/%d)\n", child.Manifest.Digest, i+1, len(root.Children))
	}
	_, _ = fmt.Fprintln(c.Log, "Writing manifest to image destination")
}

// run has copy.Image copy an image that the policy is asked about. It returns
// what was written.
func (c *Copier) run(ctx context.Context, destination, source types.ImageReference, options *copy.Options) (v1.Descriptor, error) {
	policy, err := c.policyContext()
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer destroy(policy)
	options.DestinationCtx = withoutBlobInfoCache(options.DestinationCtx)
	options.ReportWriter = c.Log
	options.RemoveSignatures = options.RemoveSignatures || c.RemoveSignatures
	written, err := copy.Image(ctx, policy, destination, source, options)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return content.Describe(written)
}

// withoutBlobInfoCache is sys with a cache in memory. The library would keep one
// on disk for all its users, with a lock and a transaction for every blob; what
// is where, the Mover knows, and a static binary has no SQLite.
func withoutBlobInfoCache(sys *types.SystemContext) *types.SystemContext {
	changed := types.SystemContext{}
	if sys != nil {
		changed = *sys
	}
	changed.BlobInfoCacheDir = "/dev/null/none" // which cannot be made
	return &changed
}

// convert fills in what signing and converting want.
func (c *Copier) convert(options *copy.Options) *copy.Options {
	options.PreserveDigests = c.PreserveDigests || c.Format == "" && !c.AllowConversion
	options.ForceManifestMIMEType = c.Format
	options.Signers, options.SignBy, options.SignPassphrase = c.Signers, c.SignBy, c.SignPassphrase
	return options
}

// errIndex explains why an index does not fit.
func errIndex(l Location) error {
	return fault.WithRemedy(fault.Unsupported,
		fmt.Errorf("%s keeps one platform of an image, not an index", l.Reference.Transport().Name()), "choose one with platforms:")
}
