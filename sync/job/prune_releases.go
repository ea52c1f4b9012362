package job

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/origin"
	"csync/sync/plan"
	"csync/sync/prune"
	"csync/sync/spec"
)

// Releases are those of a promotion that are to be deleted.
type Releases struct {
	Hashes []string
	// Unlabelled are all that no other tag names.
	Unlabelled bool
	// Images are the only ones that are meant, with or without their prefix; none:
	// all.
	Images []string
}

// releaseForm is a tag that is a release's where nobody says so: the hashes of DLRN,
// of git and of digests.
var releaseForm = regexp.MustCompile(`^[0-9a-f]{32,64}(_[0-9a-f]{8,64})*$`)

// releases is what the tags of some hashes are at the promotion's destinations.
func (k *pruning) releases(ctx context.Context) ([]prune.Cut, error) {
	file, images, err := k.promoted(ctx)
	if err != nil {
		return nil, err
	}
	k.access(file)
	var cuts []prune.Cut
	for _, name := range images {
		for _, side := range file.Destinations {
			cut, err := k.release(file, side, name)
			if err != nil {
				return nil, err
			}
			cuts = append(cuts, cut)
		}
	}
	return cuts, nil
}

// promoted reads the promotion file, and finds its images that are meant.
func (k *pruning) promoted(ctx context.Context) (*spec.Promotion, []string, error) {
	o := k.Options
	o.SourceFile = k.Promotion
	file, err := o.readPromotion()
	if err != nil {
		return nil, nil, err
	}
	file.Hash = spec.Hash{Value: "none"} // only images are asked for
	if len(k.Releases.Hashes) > 0 {
		file.Hash.Value = k.Releases.Hashes[0]
	}
	file.Label = cmp.Or(file.Label, "label") // every tag of no release is one
	if err := file.Check(); err != nil {
		return nil, nil, err
	}
	for _, hash := range k.Releases.Hashes {
		if err := file.CheckHash(hash); err != nil {
			return nil, nil, fmt.Errorf("--hash: %w", err)
		}
	}
	found, err := origin.Find(ctx, file, k.fetch)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, image := range found.Images {
		names = append(names, image.Name)
	}
	names, err = k.chosen(names, file.Images.Prefix)
	return file, names, err
}

// chosen are the images that --image names.
func (k *pruning) chosen(all []string, prefix string) ([]string, error) {
	if len(k.Releases.Images) == 0 {
		return all, nil
	}
	var names []string
	for _, wanted := range k.Releases.Images {
		name := wanted
		if !slices.Contains(all, name) {
			name = prefix + wanted
		}
		if !slices.Contains(all, name) {
			return nil, fault.New(fault.Input, fmt.Errorf("--image: the promotion has no image %q", wanted))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// release is what is to become of an image at a destination.
func (k *pruning) release(file *spec.Promotion, side spec.Registry, name string) (prune.Cut, error) {
	if side.Place != "" {
		return prune.Cut{}, fault.WithRemedy(fault.Unsupported, fmt.Errorf("%s: releases are pruned at registries, and %s is none", side.Position, side.Place),
			"csync prune "+side.Place+":NAME:TAG")
	}
	place, err := image.Open("docker://"+side.Registry, image.Access{Client: k.client, Registry: side.Access, System: k.Registry.System})
	if err != nil {
		return prune.Cut{}, fmt.Errorf("%s: %w", side.Position, err)
	}
	location, err := place.Location(image.Name{Path: side.Repository(name), Tag: "any"})
	if err != nil {
		return prune.Cut{}, err
	}
	there, _ := location.Remote()
	token := side.Token
	if k.Token != "" {
		token = k.Token
	}
	release := k.releaseOf(file)
	verdict := func(tag string) prune.Verdict {
		if release(tag) != "" && (k.Releases.Unlabelled || slices.Contains(k.Releases.Hashes, release(tag))) {
			return prune.Drop
		}
		return prune.Leave
	}
	return prune.Cut{
		Shelf: k.atRegistry(there.Repository, side.Access, token), Name: "docker://" + there.Name().Name(), Named: k.Releases.Hashes,
		Choice: prune.Choice{Verdict: verdict, Release: release, RemoveLast: k.RemoveLast},
	}, nil
}

// releaseOf says of which release a tag is: the hash alone, with the suffix of a
// platform, or as the index tag has it; "" of labels.
func (k *pruning) releaseOf(file *spec.Promotion) func(tag string) string {
	before, after, _ := strings.Cut(file.IndexTag, "{hash}")
	isHash := func(hash string) bool {
		return slices.Contains(k.Releases.Hashes, hash) || releaseForm.MatchString(hash)
	}
	return func(tag string) string {
		if tag == file.Label || tag == file.RollbackLabel {
			return ""
		}
		if hash, ok := strings.CutPrefix(tag, before); ok {
			if hash, ok = strings.CutSuffix(hash, after); ok && isHash(hash) {
				return hash
			}
		}
		for _, platform := range file.Platforms {
			if hash, ok := strings.CutSuffix(tag, platform.Suffix); ok && isHash(hash) {
				return hash
			}
		}
		if isHash(tag) {
			return tag
		}
		return ""
	}
}

// access gives the sides of a promotion what the command line says of both.
func (j *job) access(file *spec.Promotion) {
	file.Source.Access = plan.Request{SourceAccess: j.SourceAccess}.Access(file.Source.Access)
	for i := range file.Destinations {
		side := &file.Destinations[i]
		side.Access = plan.Request{SourceAccess: j.DestinationAccess}.Access(side.Access)
	}
}
