package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/registry"
)

// maxConfig bounds the config of an attached manifest, in bytes.
const maxConfig = 4 << 20

// attachmentTag is the tag under which sigstore's signatures of a manifest are
// attached to it (cosign's SIGNATURE_SPEC).
func attachmentTag(of digest.Digest) string {
	return strings.Replace(of.String(), ":", "-", 1) + ".sig"
}

// attached are the signatures that are kept beside the image.
func (h *Home) attached(ctx context.Context, of digest.Digest) ([]Signature, error) {
	if !h.attachments {
		return nil, nil
	}
	m, found, err := h.attachedManifest(ctx, of)
	if err != nil {
		return nil, err
	}
	h.shown.Store(of, found)
	var all []Signature
	for _, layer := range m.Layers {
		payload, err := h.small(ctx, layer, maxSignature)
		if err != nil {
			return nil, fmt.Errorf("reading attached signature: %w", err)
		}
		s, err := attachment{layer.MediaType, payload, layer.Annotations}.signature()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// attachedManifest is the manifest that holds the signatures, or an empty one.
func (h *Home) attachedManifest(ctx context.Context, of digest.Digest) (m v1.Manifest, found registry.Manifest, err error) {
	found, err = h.repository.Manifest(ctx, attachmentTag(of))
	if fault.Is(err, fault.NotFound) {
		return m, registry.Manifest{}, nil
	}
	if err != nil {
		return m, found, fmt.Errorf("reading attached signatures: %w", err)
	}
	h.bytes.Add(found.Size)
	if err := json.Unmarshal(found.Bytes, &m); err != nil || found.MediaType != v1.MediaTypeImageManifest || len(m.Layers) > maxSignatures {
		return m, found, fault.New(fault.Unsupported, fmt.Errorf("reading attached signatures: %s is no manifest of signatures", found.Digest))
	}
	return m, found, nil
}

// lacksAttached reports whether another home has a signature attached that this
// one has not. Where both have the same manifest, or the other none, it takes a
// HEAD at each.
func (h *Home) lacksAttached(ctx context.Context, of digest.Digest, from *Home) (bool, error) {
	there, err := from.attachedDigest(ctx, of)
	if err != nil || there == "" {
		return false, err
	}
	here, err := h.attachedDigest(ctx, of)
	if err != nil || here == "" || here == there {
		return here != there, h.atDestination(err)
	}
	theirs, _, err := from.attachedManifest(ctx, of)
	if err != nil {
		return false, err
	}
	ours, _, err := h.attachedManifest(ctx, of)
	return slices.ContainsFunc(theirs.Layers, func(layer v1.Descriptor) bool { return !holds(ours, layer) }), h.atDestination(err)
}

// attachedDigest is the digest of the manifest that holds the signatures, or "".
func (h *Home) attachedDigest(ctx context.Context, of digest.Digest) (digest.Digest, error) {
	if !h.attachments {
		return "", nil
	}
	found, err := h.repository.Resolve(ctx, attachmentTag(of))
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return found.Digest, err
}

// holds reports whether a manifest of signatures has one, whatever else its entry
// says.
func holds(m v1.Manifest, signature v1.Descriptor) bool {
	return slices.ContainsFunc(m.Layers, func(other v1.Descriptor) bool {
		return other.MediaType == signature.MediaType && other.Digest == signature.Digest && other.Size == signature.Size &&
			maps.Equal(other.Annotations, signature.Annotations)
	})
}

// adopt attaches the signatures of another home with the manifest that they have
// there, so that a later run sees at once that they are the same.
func (h *Home) adopt(ctx context.Context, a Addition) (written int64, err error) {
	shown, _ := a.From.shown.Load(a.Of)
	manifest, _ := shown.(registry.Manifest)
	var m v1.Manifest
	if err := json.Unmarshal(manifest.Bytes, &m); err != nil {
		return 0, fault.New(fault.Internal, fmt.Errorf("attaching signatures that were not read: %w", err))
	}
	config, err := a.From.small(ctx, m.Config, maxConfig)
	if err != nil {
		return 0, fmt.Errorf("reading attached signatures: %w", err)
	}
	blobs := map[digest.Digest][]byte{m.Config.Digest: config}
	for _, s := range a.More {
		attachment, err := s.attachment()
		if err != nil {
			return 0, err
		}
		blobs[digest.FromBytes(attachment.Payload)] = attachment.Payload
	}
	for of, content := range blobs {
		if err := h.write(ctx, v1.Descriptor{Digest: of, Size: int64(len(content))}, content); err != nil {
			return written, err
		}
		written += int64(len(content))
	}
	return written + manifest.Size, h.repository.PutManifest(ctx, attachmentTag(a.Of), manifest)
}

// small reads a blob of the repository whole, and checks it.
func (h *Home) small(ctx context.Context, d v1.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("blob %s has %d bytes; at most %d are read", d.Digest, d.Size, limit))
	}
	body, err := h.repository.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(registry.Verify(body, d), limit+1))
	h.bytes.Add(int64(len(content)))
	return content, err
}

// attach keeps further signatures beside the image. written is the number of
// bytes that went to the registry.
func (h *Home) attach(ctx context.Context, of digest.Digest, more []Signature) (written int64, err error) {
	if !h.attachments {
		return 0, fault.WithRemedy(fault.Unsupported, fmt.Errorf("writing sigstore signatures is not enabled for %s", h.repository.Name()),
			"set use-sigstore-attachments: true for it in registries.d, or use --remove-signatures")
	}
	m, _, err := h.attachedManifest(ctx, of)
	if err != nil {
		return 0, err
	}
	config, err := h.attachedConfig(ctx, m)
	if err != nil {
		return 0, err
	}
	for _, s := range more {
		a, err := s.attachment()
		if err != nil {
			return written, err
		}
		layer := a.layer()
		if holds(m, layer) {
			continue
		}
		m.Layers = append(m.Layers, layer)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, layer.Digest)
		if err := h.write(ctx, layer, a.Payload); err != nil {
			return written, err
		}
		written += layer.Size
	}
	last, err := h.writeAttached(ctx, of, m, config)
	return written + last, err
}

// attachedConfig is the config of what is attached already, or a new one.
func (h *Home) attachedConfig(ctx context.Context, m v1.Manifest) (config v1.Image, err error) {
	if m.Config.Digest == "" {
		config.RootFS.Type = "layers"
		return config, nil
	}
	content, err := h.small(ctx, m.Config, maxConfig)
	if err != nil {
		return config, fmt.Errorf("reading attached signatures: %w", err)
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return config, fault.New(fault.Unsupported, fmt.Errorf("parsing config of attached signatures: %w", err))
	}
	return config, nil
}

// writeAttached writes the manifest that holds the signatures, after its config.
func (h *Home) writeAttached(ctx context.Context, of digest.Digest, m v1.Manifest, config v1.Image) (written int64, err error) {
	content, err := json.Marshal(config)
	if err != nil {
		return 0, fmt.Errorf("encoding config of attached signatures: %w", err)
	}
	m.Versioned, m.MediaType = specs.Versioned{SchemaVersion: 2}, v1.MediaTypeImageManifest
	m.Config = v1.Descriptor{MediaType: v1.MediaTypeImageConfig, Digest: digest.FromBytes(content), Size: int64(len(content))}
	if err := h.write(ctx, m.Config, content); err != nil {
		return 0, err
	}
	encoded, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("encoding attached signatures: %w", err)
	}
	d := v1.Descriptor{MediaType: m.MediaType, Digest: digest.FromBytes(encoded), Size: int64(len(encoded))}
	err = h.repository.PutManifest(ctx, attachmentTag(of), registry.Manifest{Descriptor: d, Bytes: encoded})
	return m.Config.Size + d.Size, err
}

// write uploads a blob that is in memory.
func (h *Home) write(ctx context.Context, d v1.Descriptor, content []byte) error {
	upload, err := h.repository.StartUpload(ctx)
	if err != nil {
		return err
	}
	if err := upload.Finish(ctx, d, bytes.NewReader(content)); err != nil {
		upload.Abandon(ctx)
		return err
	}
	return nil
}
