package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

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
type dockerArchive struct {
	place
	collected func() (string, error) // makes the layout for the first image

	mu        sync.Mutex // held while the layout is written to
	directory string     // the layout, once it is there
}

func openDockerArchive(p place) (Place, error) {
	if err := existing(filepath.Dir(p.path)); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("%s: %w", p.shown, err))
	}
	a := &dockerArchive{place: p}
	a.collected = sync.OnceValues(a.collect)
	return a, nil
}

func (p *dockerArchive) collect() (string, error) {
	directory, err := os.MkdirTemp(Temporary(p.system), "csync-docker-")
	p.directory = directory
	return directory, err
}

func (p *dockerArchive) Location(name Name) (Location, error) {
	named, err := reference.ParseNormalizedNamed(name.String())
	tagged, ok := named.(reference.NamedTagged)
	if err != nil || !ok {
		return Location{}, fault.New(fault.Unsupported, fmt.Errorf("%s: docker-archive keeps tags, and %q is none", p.shown, name))
	}
	ref, err := dockerarchive.NewReference(p.path, tagged)
	if err != nil {
		return Location{}, fault.New(fault.Input, err)
	}
	l := Location{Reference: ref, System: p.system, exclusive: &p.mu}
	l.open = func() (types.ImageReference, error) {
		directory, err := p.collected()
		if err != nil {
			return nil, err
		}
		return layout.NewReference(directory, tagged.String())
	}
	l.look = func(ctx context.Context) (v1.Descriptor, error) {
		if err := p.has(tagged); err != nil {
			return v1.Descriptor{}, err
		}
		return lookInside(ctx, Location{Reference: ref, System: p.system})
	}
	return l, nil
}

// has reports as a fault of kind not-found that the archive lacks the image, or
// does not exist.
func (p *dockerArchive) has(wanted reference.NamedTagged) error {
	absent := fault.New(fault.NotFound, fmt.Errorf("%s does not have %s", p.shown, reference.FamiliarString(wanted)))
	if _, err := os.Stat(p.path); os.IsNotExist(err) {
		return absent
	}
	reader, err := dockerarchive.NewReader(p.system, p.path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", p.shown, err)
	}
	defer reader.Close()
	images, err := reader.List()
	if err != nil {
		return fmt.Errorf("reading %s: %w", p.shown, err)
	}
	for _, ref := range slices.Concat(images...) {
		if named := ref.DockerReference(); named != nil && named.String() == wanted.String() {
			return nil
		}
	}
	return absent
}

func (p *dockerArchive) Complete(ctx context.Context, failed int) error {
	if failed > 0 {
		err := fmt.Errorf("archive not replaced, because %d of its images failed", failed)
		return errors.Join(fault.New(fault.Cancelled, err), p.Discard())
	}
	return errors.Join(storageFault(p.pack(ctx)), p.Discard())
}

// pack writes the archive from the layout, and gives it its name.
func (p *dockerArchive) pack(ctx context.Context) error {
	file, err := os.CreateTemp(filepath.Dir(p.path), ".csync-*.tar")
	if err != nil {
		return err
	}
	temporary := file.Name()
	err = file.Close()
	if err == nil {
		err = p.write(ctx, temporary)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(temporary))
	}
	return install(temporary, p.path)
}

// removeIfThere removes a file that the library may have removed.
func removeIfThere(path string) error {
	if err := os.Remove(path); !os.IsNotExist(err) {
		return err
	}
	return nil
}

// write writes each image once, with all its tags.
func (p *dockerArchive) write(ctx context.Context, path string) error {
	listed, err := layout.List(p.directory)
	if err != nil {
		return err
	}
	writer, err := dockerarchive.NewWriter(p.system, path)
	if err != nil {
		return err
	}
	tags := map[digest.Digest][]reference.NamedTagged{}
	images := map[digest.Digest]types.ImageReference{}
	var order []digest.Digest
	for _, entry := range listed {
		named, err := reference.ParseNormalizedNamed(entry.ManifestDescriptor.Annotations[v1.AnnotationRefName])
		tagged, ok := named.(reference.NamedTagged)
		if err != nil || !ok {
			return errors.Join(fmt.Errorf("naming an image of the archive: %w", err), writer.Close())
		}
		sum := entry.ManifestDescriptor.Digest
		if images[sum] == nil {
			order = append(order, sum)
		}
		tags[sum], images[sum] = append(tags[sum], tagged), entry.Reference
	}
	for _, sum := range order {
		if err := p.add(ctx, writer, images[sum], tags[sum]); err != nil {
			return errors.Join(err, writer.Close())
		}
	}
	return writer.Close()
}

// add copies an image of the layout, which the policy has admitted, into the
// archive.
func (p *dockerArchive) add(ctx context.Context, writer *dockerarchive.Writer, source types.ImageReference, tags []reference.NamedTagged) error {
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

// Discard removes what was collected.
func (p *dockerArchive) Discard() error {
	if p.directory == "" {
		return nil
	}
	return os.RemoveAll(p.directory)
}
