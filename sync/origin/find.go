package origin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"csync/sync/fault"
	"csync/sync/log"
	"csync/sync/spec"
)

// Found is what a promotion is about.
type Found struct {
	Hash   string
	Images []Image // sorted by name, none twice, never empty
}

// Image is one that is promoted.
type Image struct {
	Name string // with its prefix, "openstack-nova-api"
	// Platforms are those that are asked of it: the promotion's without those
	// that it is known to lack.
	Platforms []spec.PlatformSuffix
}

// finder collects the names of one promotion's images.
type finder struct {
	*spec.Promotion
	get     Getter
	names   map[string]bool            // with prefix
	exclude map[string]bool            // what of them is not wanted
	lacking map[string]map[string]bool // by platform
}

// Find asks who knows the images of a promotion, and its hash. The error has the
// side input, and the kind input where a list is empty, a hash malformed, or
// what a location leads to is not what it should be; it names the location, and
// the line where there is one.
func Find(ctx context.Context, p *spec.Promotion, get Getter) (Found, error) {
	f := &finder{Promotion: p, get: get, names: map[string]bool{}, exclude: map[string]bool{}, lacking: map[string]map[string]bool{}}
	found, err := f.find(ctx)
	return found, fault.At(fault.InputSide, "", err)
}

func (f *finder) find(ctx context.Context) (Found, error) {
	f.readLists()
	hash, err := f.hash(ctx)
	if err != nil {
		return Found{}, err
	}
	if f.Images.File != "" {
		if err := f.readFile(ctx, hash); err != nil {
			return Found{}, err
		}
	}
	if f.Images.Tripleo != nil {
		if err := f.readTripleo(ctx, hash); err != nil {
			return Found{}, err
		}
	}
	images, err := f.images(ctx)
	if err != nil {
		return Found{}, err
	}
	return Found{Hash: hash, Images: images}, nil
}

// readLists takes over what the promotion file says itself.
func (f *finder) readLists() {
	f.add(f.Images.Names)
	f.drop(f.exclude, f.Images.Exclude)
	for platform, names := range f.Images.Lacking {
		f.lack(platform, names)
	}
}

// add wants the images of some names without prefix.
func (f *finder) add(names []string) {
	for _, name := range names {
		f.names[f.Images.Prefix+name] = true
	}
}

// drop adds names to those that are to go. They are meant without prefix, but
// a name that has it, as those of a build, is no other image's.
func (f *finder) drop(set map[string]bool, names []string) {
	for _, name := range names {
		set[name], set[f.Images.Prefix+name] = true, true
	}
}

func (f *finder) lack(platform string, names []string) {
	if f.lacking[platform] == nil {
		f.lacking[platform] = map[string]bool{}
	}
	f.drop(f.lacking[platform], names)
}

// hash is the promotion's: given, known to DLRN, or that of the build which the
// images come from, whose names are found on the way.
func (f *finder) hash(ctx context.Context) (string, error) {
	hash, err := f.Hash.Value, error(nil)
	if hash == "" && f.Hash.DLRN != nil {
		if hash, err = f.askDLRN(ctx); err != nil {
			return "", err
		}
	}
	if f.Images.Zuul != nil {
		built, err := f.readBuild(ctx)
		if err != nil {
			return "", err
		}
		for _, image := range built.images {
			f.names[image.name] = true
		}
		if hash == "" {
			if hash, err = built.hash(); err != nil {
				return "", err
			}
		}
	}
	return hash, f.CheckHash(hash)
}

// images are the names that are left, with what is asked of each.
func (f *finder) images(ctx context.Context) ([]Image, error) {
	var images []Image
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		if f.exclude[name] {
			log.From(ctx).Debugf("image %s is excluded", name)
			continue
		}
		image := Image{Name: name, Platforms: f.platforms(name)}
		if len(image.Platforms) == 0 && len(f.Platforms) > 0 {
			return nil, input("image %q lacks every platform; exclude it, or ask for one that it has", name)
		}
		if err := f.checkNames(name); err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	if len(images) == 0 {
		return nil, input("there are no images to promote: all %d are excluded", len(f.names))
	}
	return images, nil
}

// checkNames refuses an image that a rename leaves without a proper name.
func (f *finder) checkNames(name string) error {
	for _, destination := range f.Destinations {
		if err := spec.CheckImage(destination.Repository(name)); err != nil {
			return input("%s: image %q is renamed: %w", destination.Position, name, err)
		}
	}
	return nil
}

func (f *finder) platforms(name string) []spec.PlatformSuffix {
	return slices.DeleteFunc(slices.Clone(f.Platforms), func(platform spec.PlatformSuffix) bool {
		return f.lacking[spec.PlatformName(platform.Platform)][name]
	})
}

// input is a mistake in what was given, or in what that leads to.
func input(format string, args ...any) error {
	return fault.New(fault.Input, fmt.Errorf(format, args...))
}

// at says where a mistake is.
func at(location string, line int, err error) error {
	where := shown(location)
	if line > 0 {
		where = fmt.Sprintf("%s:%d", where, line)
	}
	return fault.New(fault.Input, fmt.Errorf("%s: %w", where, err))
}

var errPage = errors.New("a page of HTML, not what was asked for")
