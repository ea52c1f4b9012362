package content

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/manifest"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Selection says which instances of an index are wanted. The zero value wants
// all of them, and every image that is none.
type Selection struct {
	// Platforms keeps only these instances of an index, and only those images
	// that are of one of them. Empty: all.
	Platforms []v1.Platform
	// AllowMissing takes an index that lacks some of Platforms.
	AllowMissing bool
	// System, if not nil, wants the one instance that containers/image chooses
	// for it, instead of the index.
	System *types.SystemContext
}

// All reports whether s takes every manifest as it is.
func (s Selection) All() bool { return len(s.Platforms) == 0 && s.System == nil }

// NotWantedError says that an image is of none of the wanted platforms.
type NotWantedError struct{ Platform string }

func (e *NotWantedError) Error() string {
	return fmt.Sprintf("the image is for %s, which the platform filter leaves out", e.Platform)
}

// Choice is what a Selection makes of a manifest.
type Choice struct {
	// Manifest is the one wanted at the destination. It has no bytes where it is an
	// instance that has not been read yet.
	registry.Manifest
	// Platforms are those of its instances, sorted as in the index; nil where
	// only reading the config would tell.
	Platforms []string
}

// Choose applies the selection to a manifest of the source repository. It reads
// the config of a single image where only that can tell its platform. The
// error is a *NotWantedError for an image of another platform.
func (s Selection) Choose(ctx context.Context, source Source, m registry.Manifest) (Choice, error) {
	whole := Choice{Manifest: m}
	if !IsIndex(m.MediaType) {
		if len(s.Platforms) == 0 {
			return whole, nil
		}
		return s.chooseSingle(ctx, source, whole)
	}
	doc, err := parseDocument(m)
	if err != nil {
		return Choice{}, err
	}
	switch {
	case s.System != nil:
		return s.chooseInstance(m, doc)
	case len(s.Platforms) > 0:
		return s.filter(m, doc)
	}
	whole.Platforms = platformNames(doc.Manifests)
	return whole, nil
}

// chooseInstance picks what containers/image would run on this system.
func (s Selection) chooseInstance(m registry.Manifest, doc document) (Choice, error) {
	chosen, err := instanceFor(m, s.System)
	if err != nil {
		return Choice{}, err
	}
	for _, d := range doc.Manifests {
		if d.Digest == chosen {
			return Choice{registry.Manifest{Descriptor: d}, platformNames([]v1.Descriptor{d})}, nil
		}
	}
	return Choice{}, fault.New(fault.Internal, fmt.Errorf("choosing instance %s: not in the index", chosen))
}

func instanceFor(index registry.Manifest, system *types.SystemContext) (digest.Digest, error) {
	list, err := manifest.ListFromBlob(index.Bytes, index.MediaType)
	if err != nil {
		return "", fault.New(fault.Unsupported, fmt.Errorf("parsing index %s: %w", index.Digest, err))
	}
	chosen, err := list.ChooseInstance(system)
	if err != nil {
		return "", fault.New(fault.NotFound, fmt.Errorf("choosing an image from manifest list: %w", err))
	}
	return chosen, nil
}

// chooseSingle takes an image that is no index if its config is of a wanted
// platform, and whatever has no platform at all.
func (s Selection) chooseSingle(ctx context.Context, source Source, whole Choice) (Choice, error) {
	doc, err := parseDocument(whole.Manifest)
	if err != nil || !doc.isImage(whole.MediaType) || doc.Config == nil {
		return whole, err
	}
	config, err := ReadSmall(ctx, *doc.Config, source.Blob)
	if err != nil {
		return Choice{}, fmt.Errorf("reading config: %w", err)
	}
	var platform v1.Platform
	if err := json.Unmarshal(config, &platform); err != nil {
		return Choice{}, fault.New(fault.Unsupported, fmt.Errorf("parsing config: %w", err))
	}
	whole.Platforms = []string{PlatformName(platform)}
	for _, wanted := range s.Platforms {
		if Fits(wanted, &platform) {
			return whole, nil
		}
	}
	return Choice{}, &NotWantedError{Platform: PlatformName(platform)}
}

// filter keeps the wanted instances, in the order and in the bytes of the
// index, so that the same index and platforms always give the same digest.
func (s Selection) filter(m registry.Manifest, doc document) (Choice, error) {
	keep, err := s.keep(doc.Manifests)
	if err != nil {
		return Choice{}, err
	}
	entries, err := entriesOf(m)
	if err != nil {
		return Choice{}, err
	}
	var kept []entry
	for i, e := range entries {
		if keep[i] {
			kept = append(kept, e)
		}
	}
	cut, err := withEntries(m, kept)
	return Choice{cut, platformNames(descriptors(kept))}, err
}

// keep marks the instances of the wanted platforms, and with each the entries
// without a platform that describe it (attestations).
func (s Selection) keep(entries []v1.Descriptor) ([]bool, error) {
	keep := make([]bool, len(entries))
	kept := map[string]bool{}
	var missing []string
	for _, wanted := range s.Platforms {
		found := false
		for i, entry := range entries {
			if Fits(wanted, entry.Platform) {
				keep[i], found = true, true
				kept[entry.Digest.String()] = true
			}
		}
		if !found {
			missing = append(missing, PlatformName(wanted))
		}
	}
	if len(kept) == 0 && s.AllowMissing {
		return nil, &NotWantedError{Platform: strings.Join(platformNames(entries), ", ")}
	}
	if len(missing) > 0 && !s.AllowMissing {
		return nil, fault.WithRemedy(fault.NotFound,
			fmt.Errorf("the index has no instance for %s, only for %s", strings.Join(missing, ", "), strings.Join(platformNames(entries), ", ")),
			"use --allow-missing-platforms to copy the others")
	}
	for i, entry := range entries {
		if described := entry.Annotations["vnd.docker.reference.digest"]; !hasPlatform(entry) && kept[described] {
			keep[i] = true
		}
	}
	return keep, nil
}

// Fits reports whether a platform is a wanted one, as containerd compares: arm64
// is arm64/v8, and a wanted platform without a variant takes every variant.
func Fits(wanted v1.Platform, got *v1.Platform) bool {
	if got == nil || wanted.OS != got.OS || wanted.Architecture != got.Architecture {
		return false
	}
	return wanted.Variant == "" || variant(wanted) == variant(*got)
}

func variant(p v1.Platform) string {
	if p.Architecture == "arm64" && p.Variant == "" {
		return "v8"
	}
	return p.Variant
}

func hasPlatform(d v1.Descriptor) bool {
	return d.Platform != nil && d.Platform.OS != "" && d.Platform.OS != "unknown"
}

// PlatformName is os/architecture[/variant].
func PlatformName(p v1.Platform) string {
	name := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		name += "/" + p.Variant
	}
	return name
}

// platformNames lists each platform once, in order.
func platformNames(entries []v1.Descriptor) []string {
	var names []string
	seen := map[string]bool{}
	for _, d := range entries {
		if !hasPlatform(d) {
			continue
		}
		if name := PlatformName(*d.Platform); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

type span struct{ start, end int64 }

// entrySpans finds where the elements of the top-level array "manifests" are.
func entrySpans(index []byte) ([]span, error) {
	decoder := json.NewDecoder(strings.NewReader(string(index)))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var spans []span
	var raw json.RawMessage
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		if key != "manifests" {
			if err := decoder.Decode(&raw); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := decoder.Token(); err != nil {
			return nil, err
		}
		for decoder.More() {
			if err := decoder.Decode(&raw); err != nil {
				return nil, err
			}
			end := decoder.InputOffset()
			spans = append(spans, span{start: end - int64(len(raw)), end: end})
		}
		if _, err := decoder.Token(); err != nil {
			return nil, err
		}
	}
	return spans, nil
}
