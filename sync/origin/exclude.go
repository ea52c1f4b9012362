package origin

import (
	"context"
	"errors"
	"fmt"

	"csync/sync/log"

	"go.yaml.in/yaml/v3"
)

// ppc64le is the platform that has a list of exclusions of its own.
const ppc64le = "linux/ppc64le"

// exclusions is the promoter's file of what a release does not have.
type exclusions struct {
	Images    map[string]yaml.Node `yaml:"exclude_containers"`     // by release, or by release and distribution
	OfPPC64LE map[string][]string  `yaml:"exclude_ppc_containers"` // by release
}

// readExclusions drops what the exclusions of the release name. A file that
// cannot be had excludes nothing, as with rdo-infra's promoter: what is missing
// at the source because of that fails the promotion before anything is written.
// One that can be had and makes no sense is an error.
func (f *finder) readExclusions(ctx context.Context, location string) error {
	content, err := f.text(ctx, location)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errPage):
		return err
	case err != nil:
		log.From(ctx).WithError(err).Warnf("no exclusions: %s cannot be had", shown(location))
		return nil
	}
	t := f.Images.Tripleo
	excluded, ofPPC64LE, err := parseExclusions(content, t.Release, t.Distro)
	if err != nil {
		return at(location, 0, err)
	}
	if len(excluded)+len(ofPPC64LE) == 0 {
		log.From(ctx).Warnf("no exclusions: %s has none for release %q", shown(location), t.Release)
	}
	f.drop(f.exclude, excluded)
	f.lack(ppc64le, ofPPC64LE)
	return nil
}

// parseExclusions gives the names, without prefix, that a release does not have
// at all, and not for ppc64le.
func parseExclusions(content []byte, release, distro string) (excluded, ofPPC64LE []string, err error) {
	var file exclusions
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, nil, fmt.Errorf("not a file of exclusions: %w", err)
	}
	node := file.Images[release]
	switch node.Kind {
	case 0:
	case yaml.MappingNode:
		var byDistro map[string][]string
		err = node.Decode(&byDistro)
		excluded = byDistro[distro]
	default:
		err = node.Decode(&excluded)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("not a list of exclusions: %w", err)
	}
	return excluded, file.OfPPC64LE[release], nil
}
