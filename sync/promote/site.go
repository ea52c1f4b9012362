package promote

import (
	"fmt"
	"slices"
	"strings"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/spec"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/docker/reference"
)

// site is a registry where tags are written: a destination, or the source, whose
// label moves too.
type site struct {
	spec.Registry
	place  image.Place
	source bool
}

// open opens the places where tags are written.
func (p *promotion) open() error {
	for _, side := range p.Destinations {
		if err := p.openSite(side, false); err != nil {
			return err
		}
	}
	if p.Source.Label && !slices.ContainsFunc(p.Destinations, p.isSource) {
		return p.openSite(p.Source, true)
	}
	return nil
}

// isSource reports whether a destination is the source itself, whose label moves
// with the others then.
func (p *promotion) isSource(side spec.Registry) bool {
	return side.Label && len(side.Renames) == 0 && side.Locate("") == p.Source.Locate("") && side.Namespace == p.Source.Namespace
}

func (p *promotion) openSite(side spec.Registry, source bool) error {
	place, err := image.Open(side.Locate(""), p.Access(side))
	if err != nil {
		return fmt.Errorf("%s: %w", side.Position, err)
	}
	p.sites = append(p.sites, &site{Registry: side, place: place, source: source})
	return nil
}

// location is a tag or a digest of an image at the site.
func (s *site) location(name, identifier string) (image.Location, error) {
	wanted := image.Name{Path: s.Repository(name), Tag: identifier}
	if d, err := digest.Parse(identifier); err == nil {
		wanted.Tag, wanted.Digest = "", d
	}
	return s.place.Location(wanted)
}

// siteOf is where the step writes; nil if it never knew.
func (p *promotion) siteOf(step *plan.Step) *site {
	for _, s := range p.sites {
		if s.place == step.Place {
			return s
		}
	}
	return nil
}

// repositoryOf is the path of the repository that the step writes to.
func repositoryOf(step *plan.Step) string {
	return reference.Path(step.Destination.Reference.DockerReference())
}

// tagOf is the tag that a step gives; "" where it is a digest.
func tagOf(step *plan.Step) string {
	there, _ := step.Destination.Shelf()
	if digest.Digest(there.Identifier).Validate() == nil {
		return ""
	}
	return there.Identifier
}

// fromSource is a tag or a digest of an image at the source, to be read.
func (p *promotion) fromSource(name, tag string) (image.Location, error) {
	return image.Locate(p.Source.Locate(p.Source.Repository(name))+":"+tag, p.Access(p.Source))
}

// find is the location of a tag by its name in a journal.
func (p *promotion) find(tag string) (image.Location, error) {
	for _, s := range p.sites {
		if name, there := strings.CutPrefix(tag, s.Place+":"); there && s.Place != "" && below(name, s.Namespace) {
			return s.place.Location(image.Name{Path: name})
		}
	}
	named, err := reference.ParseNormalizedNamed(strings.TrimPrefix(tag, "docker://"))
	if err != nil {
		return image.Location{}, fault.New(fault.Input, fmt.Errorf("the journal names %q: %w", tag, err))
	}
	tagged, ok := named.(reference.Tagged)
	for _, s := range p.sites {
		if host, _, _ := strings.Cut(strings.TrimPrefix(s.place.String(), "docker://"), "/"); ok && host == reference.Domain(named) {
			if below(reference.Path(named), s.Namespace) {
				return s.place.Location(image.Name{Path: reference.Path(named), Tag: tagged.Tag()})
			}
		}
	}
	return image.Location{}, fault.New(fault.Input, fmt.Errorf("the journal names %s, which is at none of the promotion's destinations", tag))
}

func below(path, namespace string) bool {
	return namespace == "" || strings.HasPrefix(path, namespace+"/")
}
