package image

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/registry"
)

// mayChange reports whether an image may become another one on its way.
func (x *transfer) mayChange() bool {
	return !x.PreserveDigests && (x.Format != "" || x.AllowConversion || x.location.Single())
}

// kept says why an image must stay as it is: because the user wants that, or
// because of its signatures, which a conversion would make worthless. "" says
// that it need not.
func (x *transfer) kept(ctx context.Context, t *content.Tree) (reason string, err error) {
	if !x.mayChange() {
		return "Instructed to preserve digests", nil
	}
	if x.RemoveSignatures {
		return "", nil
	}
	signatures, err := x.home.Signatures(ctx, t.Manifest.Digest)
	if len(signatures) > 0 {
		reason = "Would invalidate signatures"
	}
	return reason, x.at(err)
}

// errKept says, in skopeo's words, that an index cannot become another one.
func errKept(mediaType, reason string) error {
	return fault.New(fault.Unsupported, fmt.Errorf(
		"Manifest list must be converted to type %q to be written to destination, but we cannot modify it: %q", mediaType, reason))
}

// conversion is what an instance has become is known by, for this index and for
// others of the run that list it.
func (x *transfer) conversion(of digest.Digest) string {
	return x.Destination.Repository.Name().Name() + "@" + of.String()
}

// putIndex writes an index that names what its instances have become. Where the
// registry takes no index of that type it may be converted, as its instances
// may.
func (x *transfer) putIndex(ctx context.Context, t *content.Tree, identifier string) (registry.Manifest, error) {
	converted := map[digest.Digest]v1.Descriptor{}
	for _, child := range t.Children {
		if to, changed := x.conversions.Load(x.conversion(child.Manifest.Digest)); changed {
			converted[child.Manifest.Digest] = to.(v1.Descriptor)
		}
	}
	m, err := content.Rewrite(t.Manifest, converted, content.ListFormat(x.Format))
	if err != nil {
		return m, err
	}
	kept, err := x.kept(ctx, t)
	if err == nil && kept != "" && m.Digest != t.Manifest.Digest {
		err = errKept(m.MediaType, kept)
	}
	if err != nil {
		return m, err
	}
	x.say("Writing manifest list to image destination\n")
	err = x.write(ctx, identifier, m)
	if kept != "" || !rejectedType(err) {
		return m, err
	}
	other, convertErr := content.Rewrite(m, nil, content.OtherList(m.MediaType))
	if convertErr != nil || x.write(ctx, identifier, other) != nil {
		return m, err
	}
	return other, nil
}
