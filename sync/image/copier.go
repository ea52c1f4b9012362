package image

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image/trust"
	"csync/sync/keep"
	"csync/sync/registry"
)

// Copier copies images, all in the same way. It is safe for concurrent use.
type Copier struct {
	// Trust decides which source images may be copied; required.
	Trust *trust.Trust
	// Homes are where the signatures of registries' images are; required.
	Homes *trust.Homes
	// RemoveSignatures leaves the source's signatures behind.
	RemoveSignatures bool
	// Signers sign what is at a destination and lacks their signature.
	Signers []Signer
	// Format converts manifests to this media type; empty keeps every digest.
	Format string
	// AllowConversion lets containers/image change a manifest that the
	// destination cannot take as it is, as skopeo does without
	// --preserve-digests.
	AllowConversion bool
	// PreserveDigests refuses even the conversion that Format asks for.
	PreserveDigests bool
	// Kept has what was read of registries' images before, and keeps what is; nil:
	// nothing does.
	Kept *keep.Store
	// Log receives containers/image's lines about each copy; nil: nowhere.
	Log io.Writer
	// Directory is for temporary files; empty: the system's.
	Directory string

	configs     configs
	conversions sync.Map // instance by its repository and digest -> what it became (v1.Descriptor)
}

// Request is one image to copy.
type Request struct {
	Source, Destination Location
	// Original, if not nil, is the source as [Copier.Read] has read it.
	Original *Original
	// Digest is that of the source's manifest as it was planned; empty reads
	// whatever the reference names now.
	Digest digest.Digest
	// Chosen is the digest of what the selection makes of that; empty where only
	// reading tells.
	Chosen digest.Digest
	// There is the digest of what the destination has; empty where that is not
	// known.
	There digest.Digest
	// Manifest is the source's with that digest; nil: it has to be read.
	Manifest  *registry.Manifest
	Selection content.Selection
	// Referrers says that what refers to the image is brought by itself.
	Referrers bool
	// Fresh says that the destination repository had nothing when planned, New
	// that the destination's tag named nothing.
	Fresh, New bool
	// Lacks says that the destination repository does not have the image, under
	// whatever name.
	Lacks bool
	// InPlace says that the destination has the image, and lacks signatures only.
	InPlace bool
	// Guard, if not nil, may refuse to give the destination's tag in a registry to
	// the manifest with the digest, just before that is done.
	Guard func(ctx context.Context, d digest.Digest) error
	Mover Mover
}

// Copied is what a copy did, apart from the blobs that the Mover moved.
type Copied struct {
	// Source is the digest of the source's manifest, before any selection.
	Source digest.Digest
	// Manifest is what the destination now has under its reference.
	Manifest v1.Descriptor
	// Verified says that the destination was seen to have the manifest: a
	// registry has confirmed its digest, or it was read back.
	Verified bool
	// Platforms are those of the instances that were written, if any index was.
	Platforms []string
	// Read and Written are bytes of manifests, signatures, and of blobs that the
	// Mover was not told of.
	Read, Written int64
}

// Copy makes the destination what the selection makes of the source. The error
// says on which side it happened; it is a *content.NotWantedError where the
// image is of a platform that the selection leaves out.
func (c *Copier) Copy(ctx context.Context, request Request) (Copied, error) {
	original := request.Original
	if original == nil {
		var err error
		if original, err = c.Read(ctx, request); err != nil {
			return Copied{}, err
		}
		defer original.Close()
	}
	copied, err := c.write(ctx, request, original)
	copied.Platforms = original.platforms
	if home, known := original.home.Store.(*trust.Home); known {
		copied.Read += home.BytesRead()
	}
	if !original.location.Single() {
		copied.Source = original.digest
	}
	return copied, err
}

// writeAttempts is how often an image is written to a place that takes what it
// reads at once, while bytes come corrupted; a [Mover] reads a blob again.
const writeAttempts = 3

func (c *Copier) write(ctx context.Context, request Request, original *Original) (Copied, error) {
	if _, remote := request.Destination.Remote(); remote {
		return c.copyToRegistry(ctx, request, original)
	}
	var read, written int64
	for attempt := 1; ; attempt++ {
		copied, err := c.copyToLibrary(ctx, request, original)
		copied.Read += read
		copied.Written += written
		if attempt == writeAttempts || !fault.Is(err, fault.DigestMismatch) || fault.SideOf(err) != fault.Source {
			return copied, err
		}
		read, written = copied.Read, copied.Written
	}
}

// run has copy.Image copy an image that the policy has admitted. It returns what
// was written.
func (c *Copier) run(ctx context.Context, destination, source types.ImageReference, options *copy.Options) (v1.Descriptor, error) {
	policy, err := signature.NewPolicyContext(trust.AcceptAnything())
	if err != nil {
		return v1.Descriptor{}, fault.New(fault.Internal, err)
	}
	defer func() { _ = policy.Destroy() }() // it holds nothing
	written, err := copy.Image(ctx, policy, destination, source, options)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return content.Describe(written)
}

// options are those of every copy by copy.Image.
func (c *Copier) options(selection copy.ImageListSelection) *copy.Options {
	return &copy.Options{
		ImageListSelection:    selection,
		PreserveDigests:       c.PreserveDigests || c.Format == "" && !c.AllowConversion,
		ForceManifestMIMEType: c.Format,
		ReportWriter:          c.Log,
		RemoveSignatures:      c.RemoveSignatures,
		DestinationCtx:        withoutBlobInfoCache(nil),
	}
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

// say writes a line as copy.Image does.
func (c *Copier) say(format string, values ...any) {
	if c.Log != nil {
		_, _ = fmt.Fprintf(c.Log, format, values...)
	}
}
