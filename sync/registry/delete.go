package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// DeleteManifest removes a manifest (OCI distribution 1.1, "Deleting Manifests"),
// and with it every tag that names it, at most registries. That it is not there
// is no error.
func (r *Repository) DeleteManifest(ctx context.Context, d digest.Digest) error {
	e := r.primary
	if err := d.Validate(); err != nil { // it would be taken for a tag
		return fault.New(fault.Input, fmt.Errorf("deleting manifest %q in %s: %w", d, e.Name(), err))
	}
	if err := e.mayDelete(); err != nil {
		return err
	}
	return e.removeManifest(ctx, d)
}

// DeleteTag removes a tag and nothing else (OCI distribution 1.1, "Deleting
// tags"); that it is not there is no error. Where the registry deletes no tags,
// as distribution 2 does not, the tag is given to a tiny manifest of its own, and
// that is deleted: the digest that it named keeps its other tags.
func (r *Repository) DeleteTag(ctx context.Context, tag string) error {
	e := r.primary
	if !tagPattern.MatchString(tag) {
		return fault.New(fault.Input, fmt.Errorf("deleting tag %q in %s: it is none", tag, e.Name()))
	}
	if err := e.mayDelete(); err != nil {
		return err
	}
	if !e.found.keepsTags.Load() {
		err := e.remove(ctx, tag)
		switch {
		case err == nil:
			return nil
		case !keeps(err) && transport.Status(err) != http.StatusBadRequest:
			return e.Failure(ctx, err, "deleting tag %s in %s", tag, e.Name())
		}
		e.found.keepsTags.Store(true)
	}
	return r.replaceTag(ctx, tag)
}

// mayDelete refuses what is there to be read only.
func (e *endpoint) mayDelete() error {
	if e.writes {
		return nil
	}
	return fault.New(fault.Internal, fmt.Errorf("deleting in %s: it was opened to be read", e.Name()))
}

// remove deletes what ref, a tag or a digest, names.
func (e *endpoint) remove(ctx context.Context, ref string) error {
	ctx = e.scoped(ctx, auth.ActionPull, auth.ActionPush, auth.ActionDelete)
	req, err := e.Request(ctx, http.MethodDelete, "manifests/"+ref, nil)
	if err != nil {
		return err
	}
	if _, err = e.Send(req, maxManifest); absent(err) {
		return nil
	}
	return err
}

// keeps reports whether a registry says that it does not delete such things, or
// at all.
func keeps(err error) bool {
	return transport.Status(err) == http.StatusMethodNotAllowed || transport.HasCode(err, "UNSUPPORTED")
}

func (e *endpoint) removeManifest(ctx context.Context, d digest.Digest) error {
	err := e.remove(ctx, d.String())
	if err == nil {
		return nil
	}
	failure := e.Failure(ctx, err, "deleting manifest %s in %s", d, e.Name())
	if keeps(err) {
		return fault.WithRemedy(fault.Unsupported, failure, "let the registry delete: storage.delete.enabled in distribution's configuration")
	}
	return failure
}

// replaceTag gives the tag to a manifest that nothing else names, and deletes
// that. The registry is asked first whether it would; if it then does not, the
// tag goes back.
func (r *Repository) replaceTag(ctx context.Context, tag string) error {
	e := r.primary
	before, err := e.manifest(ctx, tag)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	placeholder, err := newPlaceholder(tag)
	if err != nil {
		return err
	}
	if err := e.removeManifest(ctx, placeholder.Digest); err != nil { // which is not there
		return err
	}
	if err := r.pushEmpty(ctx); err != nil {
		return err
	}
	if err := r.PutManifest(ctx, tag, placeholder); err != nil {
		if refusal(err) {
			return err
		}
		return r.restore(ctx, tag, before, err)
	}
	if err := e.removeManifest(ctx, placeholder.Digest); err != nil {
		return r.restore(ctx, tag, before, err)
	}
	return nil
}

// restore gives the tag back what it named, also after an interruption, and
// returns why that was necessary.
func (r *Repository) restore(ctx context.Context, tag string, before Manifest, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	if err := r.PutManifest(ctx, tag, before); err != nil {
		return fmt.Errorf("%w; it named %s, and cannot be given that back: %w", cause, before.Digest, err)
	}
	return cause
}

// newPlaceholder is a manifest that no other is equal to.
func newPlaceholder(tag string) (Manifest, error) {
	body, err := json.Marshal(v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest,
		Config: v1.DescriptorEmptyJSON, Layers: []v1.Descriptor{v1.DescriptorEmptyJSON},
		ArtifactType: "application/vnd.csync.deleted",
		Annotations:  map[string]string{"csync.deleted-tag": tag, "csync.unique": rand.Text()},
	})
	if err != nil {
		return Manifest{}, fault.New(fault.Internal, err)
	}
	return Manifest{v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromBytes(body), Size: int64(len(body))}, body}, nil
}

// pushEmpty writes the blob that a placeholder consists of.
func (r *Repository) pushEmpty(ctx context.Context) error {
	empty := v1.DescriptorEmptyJSON
	if _, has, err := r.HasBlob(ctx, empty.Digest); has || err != nil {
		return err
	}
	upload, err := r.StartUpload(ctx)
	if err != nil {
		return err
	}
	if err := upload.Finish(ctx, empty, bytes.NewReader(empty.Data)); err != nil {
		upload.Abandon(ctx)
		return err
	}
	return nil
}
