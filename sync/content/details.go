package content

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Details are what a manifest says of an image, an index or an artifact, with
// those of its instances. As JSON it is what csync inspect prints.
type Details struct {
	Platform     string        `json:"platform,omitempty"` // os/architecture[/variant]; "unknown/unknown" of attestations
	Digest       digest.Digest `json:"digest"`
	MediaType    string        `json:"media_type"`
	ArtifactType string        `json:"artifact_type,omitempty"` // of an artifact, or its config's media type
	// Subject is what an artifact is about (OCI image 1.1, "subject").
	Subject digest.Digest `json:"subject,omitempty"`
	// AttestationFor is the instance beside it that BuildKit attests to.
	AttestationFor digest.Digest `json:"attestation_for,omitempty"`
	// Missing says that the index lists the instance and the place lacks it.
	Missing     bool              `json:"missing,omitempty"`
	Created     *time.Time        `json:"created,omitempty"`
	Config      digest.Digest     `json:"config,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"` // of the manifest
	// Size is the bytes of all layers as they are kept, compressed as a rule:
	// also those of the instances, and each layer once.
	Size      int64     `json:"size"`
	Layers    []Layer   `json:"layers,omitempty"`    // base first
	Instances []Details `json:"instances,omitempty"` // in the order of the index
}

// Layer is a layer of an image, or a blob of an artifact.
type Layer struct {
	Digest    digest.Digest `json:"digest"`
	MediaType string        `json:"media_type,omitempty"` // Docker's schema 1 has none
	Size      int64         `json:"size"`                 // bytes, compressed as a rule; -1: the manifest does not say
}

// Details reads the instances and the configs, and says what is in them.
func (i Image) Details(ctx context.Context) (Details, error) {
	r := detailsReader{source: i.Source, parallel: i.Parallel}
	return r.read(ctx, i.Manifest, 1)
}

type detailsReader struct {
	source   Source
	parallel int
	bound
}

func (r *detailsReader) read(ctx context.Context, m registry.Manifest, depth int) (Details, error) {
	if err := ctx.Err(); err != nil { // also where nothing else asks
		return Details{}, err
	}
	doc, err := parseDocument(m)
	if err != nil {
		return Details{}, err
	}
	var annotated struct{ Annotations map[string]string }
	if err := json.Unmarshal(m.Bytes, &annotated); err != nil {
		return Details{}, fault.New(fault.Unsupported, fmt.Errorf("parsing annotations of %s: %w", m.Digest, err))
	}
	d := Details{
		Digest: m.Digest, MediaType: m.MediaType, ArtifactType: doc.artifact(),
		Annotations: annotated.Annotations, Layers: doc.layers(),
	}
	if doc.Subject != nil {
		d.Subject = doc.Subject.Digest
	}
	if err := r.addConfig(ctx, &d, m, doc); err != nil {
		return Details{}, err
	}
	if err := r.addInstances(ctx, &d, doc, depth); err != nil {
		return Details{}, err
	}
	d.Size = d.size(map[digest.Digest]bool{})
	return d, nil
}

// addConfig adds what only the config of an image says; an artifact's may be
// anything.
func (r *detailsReader) addConfig(ctx context.Context, d *Details, m registry.Manifest, doc document) error {
	var config v1.Image
	switch {
	case len(doc.FSLayers) > 0:
		return d.addSchema1(m)
	case doc.Config == nil:
		return nil
	}
	d.Config = doc.Config.Digest
	if !isImageConfig(doc.Config.MediaType) {
		return nil
	}
	content, err := ReadSmall(ctx, *doc.Config, r.source.Blob)
	if err != nil {
		return fmt.Errorf("reading config of %s: %w", m.Digest, err)
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return fault.New(fault.Unsupported, fmt.Errorf("parsing config %s: %w", doc.Config.Digest, err))
	}
	d.Created, d.Labels, d.Platform = config.Created, config.Config.Labels, knownPlatform(config.Platform)
	return nil
}

// addSchema1 adds what a manifest of Docker's schema 1 holds itself.
func (d *Details) addSchema1(m registry.Manifest) error {
	old, err := manifest.Schema1FromManifest(m.Bytes)
	if err != nil {
		return fault.New(fault.Unsupported, fmt.Errorf("parsing manifest %s: %w", m.Digest, err))
	}
	said, err := old.Inspect(nil)
	if err != nil {
		return fault.New(fault.Unsupported, fmt.Errorf("parsing manifest %s: %w", m.Digest, err))
	}
	d.Created, d.Labels = said.Created, said.Labels
	d.Platform = knownPlatform(v1.Platform{OS: said.Os, Architecture: said.Architecture, Variant: said.Variant})
	return nil
}

func (r *detailsReader) addInstances(ctx context.Context, d *Details, doc document, depth int) error {
	if len(doc.Manifests) == 0 {
		return nil
	}
	if err := r.enter(d.Digest, depth, doc.Manifests); err != nil {
		return err
	}
	d.Instances = make([]Details, len(doc.Manifests))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.parallel)
	for i, entry := range doc.Manifests {
		group.Go(func() (err error) {
			d.Instances[i], err = r.instance(ctx, entry, depth)
			return err
		})
	}
	return group.Wait()
}

// instance reads what an index lists. What the index says of it is taken for
// true.
func (r *detailsReader) instance(ctx context.Context, entry v1.Descriptor, depth int) (Details, error) {
	d := Details{Digest: entry.Digest, MediaType: entry.MediaType, ArtifactType: entry.ArtifactType}
	if isManifest(entry.MediaType) {
		m, err := r.source.Manifest(ctx, entry.Digest.String())
		switch {
		case fault.Is(err, fault.NotFound):
			d.Missing = true
		case err != nil:
			return d, fmt.Errorf("reading instance %s: %w", entry.Digest, err)
		default:
			if err := r.weigh(m, entry); err != nil {
				return d, err
			}
			if d, err = r.read(ctx, m, depth+1); err != nil {
				return d, err
			}
		}
	}
	if entry.Platform != nil {
		d.Platform = knownPlatform(*entry.Platform)
	}
	if entry.Annotations["vnd.docker.reference.type"] == "attestation-manifest" {
		d.AttestationFor = digest.Digest(entry.Annotations["vnd.docker.reference.digest"])
	}
	return d, nil
}

// size adds up the layers that seen has not.
func (d *Details) size(seen map[digest.Digest]bool) int64 {
	var total int64
	for _, layer := range d.Layers {
		if !seen[layer.Digest] {
			seen[layer.Digest] = true
			total += max(layer.Size, 0)
		}
	}
	for i := range d.Instances {
		total += d.Instances[i].size(seen)
	}
	return total
}

// layers are those of an image from the base up, or the blobs of an artifact.
func (d document) layers() []Layer {
	var layers []Layer
	for _, blob := range append(d.Layers[:len(d.Layers):len(d.Layers)], d.Blobs...) {
		layers = append(layers, Layer{Digest: blob.Digest, MediaType: blob.MediaType, Size: blob.Size})
	}
	for _, layer := range slices.Backward(d.FSLayers) {
		layers = append(layers, Layer{Digest: layer.BlobSum, Size: -1})
	}
	return layers
}

// artifact is the type of an artifact, or "" of an image (OCI distribution 1.1,
// "Listing Referrers", has the rule).
func (d document) artifact() string {
	if d.ArtifactType == "" && d.Config != nil && !isImageConfig(d.Config.MediaType) {
		return d.Config.MediaType
	}
	return d.ArtifactType
}

// knownPlatform is the platform's name, or "" where nothing is said.
func knownPlatform(p v1.Platform) string {
	if p.OS == "" && p.Architecture == "" {
		return ""
	}
	return PlatformName(p)
}
