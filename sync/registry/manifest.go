package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// maxParts bounds the commas of a manifest, so that none of those who decode it,
// the library among them, makes gigabytes of empty entries. Real ones have less
// than ten for an instance or a layer.
const maxParts = 250_000

const digestHeader = "Docker-Content-Digest"

// Manifest is a manifest as a registry has it; MediaType, Digest and Size are
// those of Bytes.
type Manifest struct {
	v1.Descriptor
	Bytes []byte
}

// Resolve describes the manifest that ref, a tag or a digest, stands for. That
// is one HEAD, and a GET where the registry does not say enough with it.
func (r *Repository) Resolve(ctx context.Context, ref string) (v1.Descriptor, error) {
	return read(ctx, r.readersOf(ref), func(e *endpoint) (v1.Descriptor, error) { return e.resolve(ctx, ref) })
}

func (e *endpoint) resolve(ctx context.Context, ref string) (v1.Descriptor, error) {
	resp, err := e.askForManifest(ctx, http.MethodHead, ref)
	if transport.Status(err) == http.StatusMethodNotAllowed {
		return e.describe(ctx, ref)
	}
	if err != nil {
		return v1.Descriptor{}, e.manifestFailure(ctx, err, ref)
	}
	d := v1.Descriptor{MediaType: contentType(resp), Size: resp.ContentLength}
	header := resp.Header.Get(digestHeader)
	if header == "" {
		header = ref // where it is a digest, the registry has confirmed it
	}
	if d.Digest, err = digest.Parse(header); err != nil || d.MediaType == "" || d.Size < 0 {
		return e.describe(ctx, ref)
	}
	if wanted, err := digest.Parse(ref); err == nil && wanted != d.Digest {
		err := mismatch("registry answers with %s", d.Digest)
		return v1.Descriptor{}, e.manifestFailure(ctx, err, ref)
	}
	return d, nil
}

// describe reads the manifest to describe it.
func (e *endpoint) describe(ctx context.Context, ref string) (v1.Descriptor, error) {
	m, err := e.manifest(ctx, ref)
	return m.Descriptor, err
}

// Manifest reads the manifest that ref, a tag or a digest, stands for, of at
// most 4 MiB. Its bytes have the digest that was asked for, or else the one
// that the registry says they have.
func (r *Repository) Manifest(ctx context.Context, ref string) (Manifest, error) {
	return read(ctx, r.readersOf(ref), func(e *endpoint) (Manifest, error) {
		m, err := e.manifest(ctx, ref)
		if fault.Is(err, fault.DigestMismatch) { // which its way may have done to it
			m, err = e.manifest(ctx, ref)
		}
		return m, err
	})
}

func (e *endpoint) manifest(ctx context.Context, ref string) (Manifest, error) {
	resp, err := e.askForManifest(ctx, http.MethodGet, ref)
	if err != nil {
		return Manifest{}, e.manifestFailure(ctx, err, ref)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Manifest{}, e.manifestFailure(ctx, err, ref)
	}
	if bytes.Count(body, []byte{','}) > maxParts {
		return Manifest{}, e.manifestFailure(ctx, unsupported("it has more than %d parts", maxParts), ref)
	}
	d, err := digestOf(body, ref, resp.Header.Get(digestHeader))
	if err != nil {
		return Manifest{}, e.manifestFailure(ctx, err, ref)
	}
	mediaType := contentType(resp)
	if mediaType == "" {
		mediaType = manifest.GuessMIMEType(body)
	}
	return Manifest{v1.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(body))}, body}, nil
}

func (e *endpoint) askForManifest(ctx context.Context, method, ref string) (*http.Response, error) {
	req, err := e.Request(e.reading(ctx), method, "manifests/"+ref, nil)
	if err != nil {
		return nil, err
	}
	req.Header["Accept"] = manifest.DefaultRequestedManifestMIMETypes
	return e.Send(req, maxManifest)
}

func (e *endpoint) manifestFailure(ctx context.Context, err error, ref string) error {
	return e.Failure(ctx, err, "reading manifest %s in %s", ref, e.Name())
}

// contentType is the media type of an answer, or "" where it is too vague to
// be a manifest's.
func contentType(resp *http.Response) string {
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case err != nil, mediaType == "text/plain", mediaType == "application/json", mediaType == "application/octet-stream":
		return ""
	}
	return mediaType
}

// digestOf is the digest of a manifest, which must be ref if that is a digest,
// else the registry's if it gave one.
func digestOf(body []byte, ref, header string) (digest.Digest, error) {
	for _, claim := range []string{ref, header} {
		expected, err := digest.Parse(claim)
		if err != nil {
			continue
		}
		if matches, err := manifest.MatchesDigest(body, expected); err != nil || !matches {
			return "", mismatch("its bytes do not have digest %s", expected)
		}
		return expected, nil
	}
	return manifest.Digest(body)
}

// ErrManifestType says that a registry does not take manifests of that type; one
// of another type it may.
var ErrManifestType = errors.New("the registry refuses the manifest's type")

// refusesType reports whether an answer says that: by its status, or as old
// registries do (containers/image's docker_image_dest.go has the list).
func refusesType(err error) bool {
	return transport.Status(err) == http.StatusUnsupportedMediaType || transport.HasCode(err, "MANIFEST_INVALID", "TAG_INVALID") ||
		transport.HasCode(err, "UNSUPPORTED") && strings.Contains(err.Error(), "Invalid JSON syntax")
}

// PutManifest writes a manifest under ref, a tag or its digest, and makes sure
// that the registry calls it m.Digest. The error is ErrManifestType where it takes
// no manifests of that type. Where the registry does not know
// referrers, a manifest with a subject is entered into the referrers tag (OCI
// distribution 1.1, "Referrers Tag Schema"), also by several pushes at once.
func (r *Repository) PutManifest(ctx context.Context, ref string, m Manifest) error {
	e := r.primary
	err := e.putManifest(e.writing(ctx), ref, m)
	if err != nil {
		if refusesType(err) {
			err = fmt.Errorf("%w: %w", ErrManifestType, err)
		}
		return e.Failure(ctx, err, "uploading manifest %s to %s", ref, e.Name())
	}
	return nil
}

func (e *endpoint) putManifest(ctx context.Context, ref string, m Manifest) error {
	req, err := e.Request(ctx, http.MethodPut, "manifests/"+ref, bytes.NewReader(m.Bytes))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", m.MediaType)
	resp, err := e.Send(req, maxManifest)
	if err != nil {
		return err
	}
	if err := e.confirm(ctx, resp, ref, m.Digest); err != nil {
		return err
	}
	if !hasSubject(m.Bytes) || resp.Header.Get("OCI-Subject") != "" {
		return nil
	}
	// oras-go writes the manifest once more, and then the index under the tag.
	return e.oras.PushReference(ctx, m.Descriptor, bytes.NewReader(m.Bytes), ref)
}

// confirm compares the digest of what was written with what the registry took
// it for, which it is asked for if it did not say.
func (e *endpoint) confirm(ctx context.Context, resp *http.Response, ref string, d digest.Digest) error {
	stored := resp.Header.Get(digestHeader)
	if stored == "" {
		described, err := e.resolve(ctx, ref)
		if err != nil {
			return fmt.Errorf("reading it back: %w", err)
		}
		stored = described.Digest.String()
	}
	if stored != d.String() {
		return mismatch("registry stored %s instead of %s", stored, d)
	}
	return nil
}

func hasSubject(body []byte) bool {
	var document struct {
		Subject *v1.Descriptor `json:"subject"`
	}
	return json.Unmarshal(body, &document) == nil && document.Subject != nil
}
