package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/origin"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/spec"
)

// wanted is an image of the promotion, as the source has it.
type wanted struct {
	origin.Image
	// hash is what the tag of the hash names; nil where that is made here.
	hash *tagged
	// instances are what the arch tags name, in the order of the platforms.
	instances []*tagged
	err       error // why it cannot be promoted
}

// tagged is a tag of the source.
type tagged struct {
	tag        string
	plan.Known // its bytes only where they are needed
}

// lookAtSource finds out what the source has, every image at the same time.
func (p *promotion) lookAtSource(ctx context.Context) {
	p.images = make([]*wanted, len(p.Found.Images))
	var group errgroup.Group
	group.SetLimit(max(p.Run.Jobs, 1))
	for i, image := range p.Found.Images {
		w := &wanted{Image: image}
		p.images[i] = w
		group.Go(func() error {
			w.err = p.lookAt(ctx, w)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
}

func (p *promotion) lookAt(ctx context.Context, w *wanted) error {
	if p.needsHash() {
		var err error
		if w.hash, err = p.lookAtHash(ctx, w); err != nil {
			return err
		}
	}
	if p.Index != spec.AssembleIndex {
		return nil
	}
	for _, platform := range w.Platforms {
		instance, err := p.lookAtInstance(ctx, w, platform)
		if platform.Optional && fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		w.instances = append(w.instances, instance)
	}
	if len(w.instances) == 0 {
		return fault.At(fault.Source, p.Source.Locate(p.Source.Repository(w.Name)),
			fault.New(fault.NotFound, fmt.Errorf("no platform of it has the hash %s", p.Found.Hash)))
	}
	return nil
}

// needsHash reports whether the source's own tag of the hash is promoted, rather
// than an index that gets its name.
func (p *promotion) needsHash() bool {
	return p.Index != spec.AssembleIndex || p.indexTag() != p.Found.Hash
}

// indexTag is what the indexes are called.
func (p *promotion) indexTag() string { return strings.ReplaceAll(p.IndexTag, "{hash}", p.Found.Hash) }

// lookAtHash looks at the tag of the hash, and whether an index there has every
// platform that it must have.
func (p *promotion) lookAtHash(ctx context.Context, w *wanted) (*tagged, error) {
	t, there, err := p.tag(w, p.Found.Hash)
	if err != nil {
		return nil, err
	}
	reads := p.Index == spec.MergeIndex || p.Index == spec.CopyIndex && len(w.Platforms) > 0
	if !reads {
		t.Descriptor, err = there.Resolve(ctx, t.tag)
		return t, t.at(err)
	}
	if t.Manifest, err = there.Manifest(ctx, t.tag); err != nil {
		return nil, t.at(err)
	}
	if p.Index == spec.MergeIndex && !content.IsIndex(t.MediaType) {
		platform, err := content.PlatformOf(ctx, there, t.Manifest)
		if err != nil {
			return nil, t.at(err)
		}
		t.Platform = &platform
	}
	return t, t.at(hasPlatforms(ctx, there, t.Manifest, w.Platforms))
}

// lookAtInstance looks at the tag of a platform, and whether an image of that
// platform is there.
func (p *promotion) lookAtInstance(ctx context.Context, w *wanted, wanted spec.PlatformSuffix) (*tagged, error) {
	t, there, err := p.tag(w, p.Found.Hash+wanted.Suffix)
	if err != nil {
		return nil, err
	}
	if t.Known, err = plan.Read(ctx, t.Location, ""); err != nil {
		return nil, err
	}
	if kept := p.Run.Copier.Kept; kept != nil && p.Source.Place == "" {
		t.Kept = kept.Before(there)
	}
	return t, t.Identify(ctx, &wanted.Platform)
}

// known are the instances.
func (w *wanted) known() []plan.Known {
	var all []plan.Known
	for _, t := range w.instances {
		all = append(all, t.Known)
	}
	return all
}

func (p *promotion) tag(w *wanted, tag string) (*tagged, image.Shelved, error) {
	location, err := p.fromSource(w.Name, tag)
	if err != nil {
		return nil, image.Shelved{}, err
	}
	there, ok := location.Shelf()
	if !ok {
		return nil, there, fault.New(fault.Internal, errors.New("the source is neither a registry nor a layout"))
	}
	return &tagged{tag: tag, Known: plan.Known{Location: location}}, there, nil
}

// at says where an error happened.
func (t *tagged) at(err error) error { return fault.At(fault.Source, t.String(), err) }

// hasPlatforms reports whether an image is, or an index has, what it must.
func hasPlatforms(ctx context.Context, there content.Source, m registry.Manifest, platforms []spec.PlatformSuffix) error {
	has, err := platformsOf(ctx, there, m)
	if err != nil {
		return err
	}
	var missing []string
	for _, platform := range platforms {
		is := func(name string) bool { return matches(platform.Platform, name) }
		if !platform.Optional && !slices.ContainsFunc(has, is) {
			missing = append(missing, content.PlatformName(platform.Platform))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.WithRemedy(fault.NotFound, fmt.Errorf("it has no instance for %s, only for %s", strings.Join(missing, ", "), strings.Join(has, ", ")),
		"name the platform under optional: if images may lack it")
}

func platformsOf(ctx context.Context, there content.Source, m registry.Manifest) ([]string, error) {
	if !content.IsIndex(m.MediaType) {
		platform, err := content.PlatformOf(ctx, there, m)
		return []string{content.PlatformName(platform)}, err
	}
	choice, err := content.Selection{}.Choose(ctx, there, m)
	return choice.Platforms, err
}

// matches reports whether a platform, as it is called, is the wanted one, which
// takes any variant where it names none.
func matches(wanted v1.Platform, name string) bool {
	return name == content.PlatformName(wanted) || wanted.Variant == "" && strings.HasPrefix(name, content.PlatformName(wanted)+"/")
}
