package image

import (
	"fmt"
	"strings"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/pkg/sysregistriesv2"
	"go.podman.io/image/v5/transports/alltransports"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
)

// Locate is an image to read by the name that a user gives it: a reference of
// any of the library's transports, or one in a registry without "docker://".
// Only the latter may be a short name, which an alias of registries.conf
// resolves, containers-registries.conf(5); without an alias it is docker.io's.
func Locate(name string, access Access) (Location, error) {
	if transport := alltransports.TransportFromImageName(name); transport != nil && transport.Name() != docker.Transport.Name() {
		ref, err := alltransports.ParseImageName(name)
		if err != nil {
			return Location{}, fault.New(fault.Input, fmt.Errorf("parsing %q: %w", name, err))
		}
		return Location{Reference: ref, System: access.System, inside: insideByName(ref, access.System)}, nil
	}
	named, err := ParseName(name, access.System)
	if err != nil {
		return Location{}, err
	}
	ref, err := docker.NewReference(reference.TagNameOnly(named))
	if err != nil {
		return Location{}, fault.New(fault.Input, fmt.Errorf("parsing %q: %w", name, err))
	}
	repository, err := access.Client.Source(named, access.Registry)
	if err != nil {
		return Location{}, err
	}
	return Location{Reference: ref, Repository: repository, System: access.System}, nil
}

// ParseName reads HOST/REPOSITORY with a tag, a digest or neither, or a short
// name as [Locate] has it, with or without "docker://".
func ParseName(name string, sys *types.SystemContext) (reference.Named, error) {
	plain, whole := strings.CutPrefix(name, "docker://")
	named, err := reference.ParseNormalizedNamed(plain)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("parsing %q: %w", name, err))
	}
	first, _, several := strings.Cut(plain, "/")
	if whole || several && (strings.ContainsAny(first, ".:") || first == "localhost") {
		return named, nil
	}
	return alias(plain, named, sys)
}

// alias is what registries.conf makes of a short name, else named.
func alias(name string, named reference.Named, sys *types.SystemContext) (reference.Named, error) {
	short, _, _ := strings.Cut(name, "@")
	short, _, _ = strings.Cut(short, ":")
	resolved, _, err := sysregistriesv2.ResolveShortNameAlias(sys, short)
	if err != nil {
		return nil, fault.WithRemedy(fault.Input, fmt.Errorf("resolving short name %q: %w", name, err), "docker://"+named.String()+" needs no alias")
	}
	if resolved == nil {
		return named, nil
	}
	full, err := reference.ParseNormalizedNamed(resolved.String() + strings.TrimPrefix(name, short))
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("resolving short name %q: %w", name, err))
	}
	return full, nil
}
