package image

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
)

// Inside splits the full name of an image that is to be written, "docker://HOST/PATH:TAG"
// or HOST/PATH:TAG for short, "dir:PATH", "oci:PATH:NAME" and so on, into the place that
// [Open] opens, and what the image is called inside of it. Where a registry's name
// has no tag, it is latest, as for podman and skopeo.
func Inside(name string) (place string, inside Name, err error) {
	transport, rest, _ := strings.Cut(name, ":")
	switch transport {
	case "dir":
		if rest == "" {
			break
		}
		clean := filepath.Clean(rest)
		return "dir:" + filepath.Dir(clean), Name{Path: filepath.Base(clean)}, nil
	case "oci", "oci-archive":
		path, image, _ := strings.Cut(rest, ":")
		return transport + ":" + path, Name{Path: image}, nil
	case "docker-archive":
		path, image, named := strings.Cut(rest, ":")
		if !named {
			return "", Name{}, fault.New(fault.Input, fmt.Errorf("%q names no image after the file; docker-archive:FILE:NAME:TAG was meant", name))
		}
		return transport + ":" + path, parseName(image), nil
	case "containers-storage", "docker-daemon":
		driver := rest[:strings.LastIndexByte(rest, ']')+1]
		return transport + ":" + driver, parseName(strings.TrimPrefix(rest, driver)), nil
	}
	return insideRegistry(name)
}

// insideRegistry wants the registry to be named: what is written to Docker Hub by
// mistake is public.
func insideRegistry(name string) (place string, inside Name, err error) {
	plain := strings.TrimPrefix(name, "docker://")
	host, _, several := strings.Cut(plain, "/")
	named, err := reference.ParseNormalizedNamed(plain)
	if err != nil {
		return "", Name{}, fault.New(fault.Input, fmt.Errorf("parsing %q: %w", name, err))
	}
	if !several || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "", Name{}, fault.WithRemedy(fault.Input, fmt.Errorf("%q names no registry", name),
			fmt.Sprintf("write HOST[:PORT]/%s, or %s for Docker Hub", plain, reference.TagNameOnly(named)))
	}
	inside.Path = reference.Path(named)
	tagged, hasTag := reference.TagNameOnly(named).(reference.Tagged)
	digested, hasDigest := named.(reference.Digested)
	switch {
	case hasTag && hasDigest:
		return "", Name{}, fault.New(fault.Input, fmt.Errorf("%q has a tag and a digest; one of them was meant", name))
	case hasDigest:
		inside.Digest = digested.Digest()
	default:
		inside.Tag = tagged.Tag()
	}
	return "docker://" + reference.Domain(named), inside, nil
}
