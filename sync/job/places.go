package job

import (
	"fmt"
	"strings"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/spec"
)

// openDestination opens a place for writing.
func (j *job) openDestination(name string) (image.Place, error) {
	return image.Open(name, image.Access{Client: j.client, Registry: j.DestinationAccess, System: j.Registry.System})
}

// openDestinations opens the places that get everything, unless the file has
// named those of each source.
func (j *job) openDestinations(request *plan.Request) error {
	own := len(request.File.Sources) > 0 || request.File.Manifest && len(j.Destinations) == 0
	for _, source := range request.File.Sources {
		own = own && len(source.Destinations) > 0
	}
	if own && len(j.Destinations) > 0 {
		return j.usage("--dest: the file names its own destinations")
	}
	if !own && len(j.Destinations) == 0 {
		return j.usage("--dest DEST is missing: where to copy to")
	}
	for _, name := range j.Destinations {
		if err := j.checkHost(name); err != nil {
			return fmt.Errorf("--dest: %w", err)
		}
		place, err := j.openDestination(name)
		if err != nil {
			return fmt.Errorf("--dest: %w", err)
		}
		request.Destinations = append(request.Destinations, place)
	}
	j.places = request.Destinations
	return nil
}

// checkHost refuses a registry that Docker's rules take for a path at Docker Hub:
// what has neither a dot nor a port, and is not localhost. In the skopeo form it
// is one.
func (j *job) checkHost(name string) error {
	path, isRegistry := strings.CutPrefix(name, "docker://")
	host, _, _ := strings.Cut(path, "/")
	if !isRegistry || j.skopeo || host == "" || host == "localhost" || strings.ContainsAny(host, ".:") || host != strings.ToLower(host) {
		return nil
	}
	return fault.WithRemedy(fault.Input, fmt.Errorf("%q names no registry", name),
		fmt.Sprintf("write docker://HOST[:PORT]/%s, or docker://docker.io/%s for Docker Hub", path, path))
}

// addSources reads what the sources have.
func (j *job) addSources(request *plan.Request) error {
	for _, name := range j.Sources {
		if reference, docker := strings.CutPrefix(name, "docker://"); docker {
			source, err := spec.Reference(reference)
			if err != nil {
				return fmt.Errorf("--src: %w", err)
			}
			request.File.Sources = append(request.File.Sources, source)
			continue
		}
		images, err := image.List(name, j.Registry.System)
		if err != nil {
			return fmt.Errorf("--src: %w", err)
		}
		request.Images = append(request.Images, images...)
	}
	return nil
}
