package plan

import (
	"cmp"
	"context"
	"errors"
	"slices"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/spec"
)

// Request is what a plan is made of.
type Request struct {
	// File is what is wanted.
	File *spec.File
	// Images are further images, of places that are no registries.
	Images []image.Named
	// Exact are images that go to the very references that are named for them.
	Exact []Exact
	// Destinations get everything; a source that names its own gets those.
	Destinations []image.Place
	// OpenDestination opens what a source names as its own destination.
	OpenDestination func(name string) (image.Place, error)
	Naming          Naming
	Client          *registry.Client
	// SourceAccess is what holds where the source file says nothing.
	SourceAccess transport.Access
	System       *types.SystemContext
	// SelectSystem wants the instance for this system of every index, as
	// skopeo does without --all; nil wants all instances.
	SelectSystem *types.SystemContext
	// AllowMissing takes an index without some of the wanted platforms.
	AllowMissing bool
	// LatestBy orders tags that are not versions.
	LatestBy TagOrder
	// Format is the media type that manifests are converted to, which gives them
	// other digests; "" converts none.
	Format string
	// TagPolicy says which tags that are there may be moved; those of signatures
	// and attestations always may.
	TagPolicy spec.TagPolicy
	// KeepDirectories refuses a directory that exists already, as skopeo does.
	KeepDirectories bool
	// ReadOnly says that the plan is all that is wanted: then it tells the digest
	// also of what is certainly to be copied.
	ReadOnly bool
	// Copier is asked about images that are in place; nil: nobody is.
	Copier Copier
	// Signs says that the run signs what it writes and what is in place.
	Signs bool
	// Cache remembers filtered indexes and conversions between runs; nil: nothing
	// does.
	Cache *Cache
	// Jobs bounds the comparisons under way; at least 1.
	Jobs int
}

// Copier knows what else than its manifest an image needs. An *[image.Copier] is
// one.
type Copier interface {
	// Vouch asks the policy about an image.
	Vouch(ctx context.Context, request image.Request) error
	// Complete reports whether an image that is in place needs nothing more; the
	// error is why it may not be there.
	Complete(ctx context.Context, request image.Request) (bool, error)
	// Attaches reports whether copying an image brings the signatures that are
	// attached to it, and merges them with those that the destination has.
	Attaches(request image.Request) (bool, error)
}

// Make plans the request. What goes wrong is in the plan; when ctx is cancelled,
// steps that were not compared yet are left to do.
func Make(ctx context.Context, r Request) *Plan {
	c := newComparison(r)
	compared, holdings := c.repositories(ctx)
	steps := slices.Concat(r.problems(), compared, c.images(ctx), c.exact(ctx))
	steps = refuseCollisions(steps)
	passOn(steps)
	steps = append(steps, c.referrers(ctx, steps)...)
	sortSteps(steps)
	return &Plan{Steps: steps, Holdings: holdings}
}

// problems are the entries of the source file that could not be used.
func (r Request) problems() []*Step {
	var steps []*Step
	for _, problem := range r.File.Problems {
		steps = append(steps, failed("", "", fault.New(fault.Input, errors.New(problem.String()))))
	}
	return steps
}

// destinations are where a source's images go.
func (r Request) destinations(source spec.Source) ([]image.Place, []*Step) {
	if len(source.Destinations) == 0 {
		return r.Destinations, nil
	}
	var opened []image.Place
	var problems []*Step
	for _, destination := range source.Destinations {
		place, err := r.OpenDestination("docker://" + destination.Registry)
		if err != nil {
			problems = append(problems, failed("docker://"+source.Registry, "docker://"+destination.Registry, err))
			continue
		}
		opened = append(opened, place)
	}
	return opened, problems
}

// Access fills in the command line's settings where the file has none. Like
// skopeo, credentials are taken as a whole; unlike skopeo, a file without
// cert-dir leaves the command line's.
func (r Request) Access(file transport.Access) transport.Access {
	access := r.SourceAccess
	if file.Username != "" || file.IdentityToken != "" || file.Password != "" {
		access.Username, access.Password, access.IdentityToken = file.Username, file.Password, file.IdentityToken
		access.Anonymous = false
	}
	if file.TLSVerify != types.OptionalBoolUndefined {
		access.TLSVerify = file.TLSVerify
	}
	access.CertDir = cmp.Or(file.CertDir, access.CertDir)
	return access
}

// steps are those of the chosen images at one place.
func (r Request) steps(s source, chosen []wanted, place image.Place) []*Step {
	var steps []*Step
	var content *Step // what a further tag needs
	for _, w := range chosen {
		step := r.step(s, w, place)
		if _, tags := step.to.(remote); !w.further {
			content = step
		} else if tags {
			step.Needs = content
			step.retag()
		}
		steps = append(steps, step)
	}
	return steps
}

// step is one image at one place.
func (r Request) step(s source, w wanted, place image.Place) *Step {
	path := r.Naming.path(s.Repository)
	from, err := s.location(w)
	if err != nil {
		return failed(s.String(), place.String()+"/"+path, err).at(place)
	}
	name, err := r.Naming.name(path, w)
	if err != nil {
		return failed(from.String(), place.String()+"/"+path, err).at(place)
	}
	to, err := place.Location(name)
	if err != nil {
		return failed(from.String(), place.String()+"/"+name.String(), fault.At(fault.Destination, place.String()+"/"+name.String(), err)).at(place)
	}
	if w.unmet {
		return failed(from.String(), to.String(), errUnmet).at(place)
	}
	step := newStep(from, to).at(place)
	step.Selection = r.selection(s.Platforms, to)
	if w.tag != "" {
		step.pin, step.listed.Digest = w.digest, w.listed
	}
	step.Format, step.several, step.Referrers = r.Format, s.several, s.Referrers
	step.Itself = step.Selection.All() && step.Format == "" && step.pin == "" && step.within && from.Identifier() == to.Identifier()
	return step
}

// selection is what is wanted of an index at a destination.
func (r Request) selection(platforms []v1.Platform, destination image.Location) content.Selection {
	selection := content.Selection{Platforms: platforms, AllowMissing: r.AllowMissing}
	switch {
	case len(platforms) > 0 && !destination.Single():
	case r.SelectSystem != nil && len(platforms) == 0:
		selection.System = r.SelectSystem
	case destination.Single():
		// Such a destination keeps one platform: the only one asked for, or this
		// system's.
		selection.System = image.SystemChoosing(r.System, first(platforms))
	}
	return selection
}

// first is the first of the platforms, or none.
func first(platforms []v1.Platform) v1.Platform {
	if len(platforms) == 0 {
		return v1.Platform{}
	}
	return platforms[0]
}
