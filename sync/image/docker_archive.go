package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.podman.io/image/v5/copy"
	dockerarchive "go.podman.io/image/v5/docker/archive"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/oci/layout"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/image/trust"
)

// dockerArchive is a tar file as docker save writes it. Its format cannot be
// added to, and the library writes an image into it once, with all its tags: so
// every run collects the images in a layout in a temporary directory, writes the
// archive from that when it is completed, and replaces the old one only by one
// that has every image.
type dockerArchive struct{ *collection }

func openDockerArchive(p place) (Place, error) {
	c, err := collect(p, func(string) error { return nil })
	return dockerArchive{c}, err
}

func (p dockerArchive) Location(name Name) (Location, error) {
	named, err := reference.ParseNormalizedNamed(name.String())
	tagged, ok := named.(reference.NamedTagged)
	if err != nil || !ok {
		return Location{}, fault.New(fault.Unsupported, fmt.Errorf("%s: docker-archive keeps tags, and %q is none", p.shown, name))
	}
	ref, err := dockerarchive.NewReference(p.path, tagged)
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	look := func(ctx context.Context) (v1.Descriptor, error) {
		if err := p.has(tagged); err != nil {
			return v1.Descriptor{}, err
		}
		return lookInside(ctx, Location{Reference: ref, System: p.system})
	}
	return p.location(ref, tagged.String(), look), nil
}

// has reports as a fault of kind not-found that the archive lacks the image, or
// does not exist.
func (p dockerArchive) has(wanted reference.NamedTagged) error {
	images, err := dockerArchived(p.path, p.system)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading %s: %w", p.shown, err)
	}
	for _, ref := range images {
		if named := ref.DockerReference(); named != nil && named.String() == wanted.String() {
			return nil
		}
	}
	return fault.New(fault.NotFound, fmt.Errorf("%s does not have %s", p.shown, reference.FamiliarString(wanted)))
}

func (p dockerArchive) Complete(ctx context.Context, failed int) error {
	if failed > 0 {
		err := fmt.Errorf("archive not replaced, because %d of its images failed", failed)
		return errors.Join(fault.New(fault.Cancelled, err), p.Discard())
	}
	return errors.Join(storageFault(p.pack(ctx)), p.Discard())
}

// pack writes the archive from the layout, and gives it its name.
func (p dockerArchive) pack(ctx context.Context) error {
	return replaceFile(p.path, func(file *os.File) error { return p.write(ctx, file.Name()) })
}

// write writes each image once, with all its tags.
func (p dockerArchive) write(ctx context.Context, path string) error {
	listed, err := layout.List(p.directory)
	if err != nil {
		return err
	}
	writer, err := dockerarchive.NewWriter(p.system, path)
	if err != nil {
		return err
	}
	images := map[digest.Digest]types.ImageReference{}
	tags := map[digest.Digest][]reference.NamedTagged{}
	for _, entry := range listed {
		named, err := reference.ParseNormalizedNamed(entry.ManifestDescriptor.Annotations[v1.AnnotationRefName])
		tagged, ok := named.(reference.NamedTagged)
		if err != nil || !ok {
			return errors.Join(fmt.Errorf("naming an image of the archive: %w", err), writer.Close())
		}
		sum := entry.ManifestDescriptor.Digest
		images[sum], tags[sum] = entry.Reference, append(tags[sum], tagged)
	}
	for _, entry := range listed {
		sum := entry.ManifestDescriptor.Digest
		if tags[sum] == nil {
			continue // with its first tag
		}
		if err := p.add(ctx, writer, images[sum], tags[sum]); err != nil {
			return errors.Join(err, writer.Close())
		}
		tags[sum] = nil
	}
	return writer.Close()
}

// add copies an image of the layout, which the policy has admitted, into the
// archive.
func (p dockerArchive) add(ctx context.Context, writer *dockerarchive.Writer, source types.ImageReference, tags []reference.NamedTagged) error {
	destination, err := writer.NewReference(tags[0])
	if err != nil {
		return err
	}
	policy, err := signature.NewPolicyContext(trust.AcceptAnything())
	if err != nil {
		return err
	}
	system := withoutBlobInfoCache(p.system)
	system.DockerArchiveAdditionalTags = tags[1:]
	_, err = copy.Image(ctx, policy, destination, source, &copy.Options{SourceCtx: p.system, DestinationCtx: system})
	return errors.Join(err, policy.Destroy())
}
