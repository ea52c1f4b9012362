package spec

import (
	"fmt"
	"strconv"
	"strings"

	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
)

// Reference reads one docker reference of a command line, HOST/REPOSITORY with
// a tag, a digest, or neither for every tag. The error has the kind input.
func Reference(s string) (Source, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return Source{}, fault.New(fault.Input, fmt.Errorf("Error parsing docker reference %q: %w", s, err))
	}
	if registryAlone(s) {
		return Source{}, fault.New(fault.Input, fmt.Errorf("%q names a registry and no repository in it", s))
	}
	repository := Repository{Name: reference.TrimNamed(named), Key: reference.Path(named)}
	tagged, hasTag := named.(reference.Tagged)
	digested, hasDigest := named.(reference.Digested)
	switch {
	case hasTag && hasDigest:
		repository.Tags = []Tag{{Name: tagged.Tag(), Pin: digested.Digest()}}
	case hasTag:
		repository.Tags = []Tag{{Name: tagged.Tag()}}
	case hasDigest:
		repository.Digests = []Digest{{Digest: digested.Digest()}}
	default:
		repository.All = true
	}
	return Source{Registry: reference.Domain(named), Repositories: []Repository{repository}}, nil
}

// registryAlone reports whether s is a registry's host and port, which would be
// taken for an image of Docker Hub and its tag. What has a slash before the
// colon names a repository, and its tag may be a number.
func registryAlone(s string) bool {
	host, port, found := strings.Cut(strings.TrimSuffix(s, "/"), ":")
	_, err := strconv.ParseUint(port, 10, 16)
	isHost := host == "localhost" || strings.Contains(host, ".") && !strings.Contains(host, "/")
	return found && err == nil && isHost
}
