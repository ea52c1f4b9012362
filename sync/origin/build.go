package origin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"csync/sync/spec"
)

// build is what the log of a build says.
type build struct {
	location string
	images   []builtImage
}

// builtImage is an image and the hash that it was tagged with.
type builtImage struct{ name, hash string }

// The two forms in which builds of tripleo containers name their images: what
// ansible prints of a push and the task before it, and a list of images.
var (
	pushed = regexp.MustCompile(`primary \|\s(\w+): digest:.*\n.*\n.*Tag w/ arch suffix and push image: .*/([\w.-]+)`)
	listed = regexp.MustCompile(`(?m)(?:^|\s)[\w.:-]+(?:/[\w.-]+)*/([\w.-]+)[ \t]+(\w+)(?:\s|$)`)
)

// parseBuild gives the images that a log names, each tagged with a hash and one
// of the suffixes. Other tags, of other architectures or of images that the
// build only used, are no images of the build.
func (f *finder) parseBuild(text string) []builtImage {
	suffixes := f.suffixes()
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var images []builtImage
	for _, match := range pushed.FindAllStringSubmatch(text, -1) {
		if hash, suffixed := cutSuffix(match[1], suffixes); suffixed && f.mayBeHash(hash) {
			images = append(images, builtImage{match[2], hash})
		}
	}
	if len(images) > 0 {
		return images
	}
	for _, match := range listed.FindAllStringSubmatch(text, -1) {
		if hash, _ := cutSuffix(match[2], suffixes); f.mayBeHash(hash) {
			images = append(images, builtImage{match[1], hash})
		}
	}
	return images
}

// mayBeHash reports whether the rest of a tag is a hash of DLRN's, or the one
// that the promotion file gives, whatever its form.
func (f *finder) mayBeHash(text string) bool {
	return text != "" && text == f.Hash.Value || hashForm.MatchString(text)
}

func checkBuilt(location string, images []builtImage) error {
	if len(images) == 0 {
		return at(location, 0, errNoImages)
	}
	for _, image := range images {
		if err := spec.CheckImage(image.name); err != nil {
			return at(location, 0, err)
		}
	}
	return nil
}

func cutSuffix(tag string, suffixes []string) (hash string, found bool) {
	for _, suffix := range suffixes {
		if hash, found := strings.CutSuffix(tag, suffix); found {
			return hash, true
		}
	}
	return tag, false
}

// hash is the only one that the build's images are tagged with.
func (b build) hash() (string, error) {
	var hashes []string
	for _, image := range b.images {
		hashes = append(hashes, image.hash)
	}
	slices.Sort(hashes)
	if hashes = slices.Compact(hashes); len(hashes) > 1 {
		return "", at(b.location, 0, fmt.Errorf("its images have the hashes %s; write one as hash", strings.Join(hashes, ", ")))
	}
	return hashes[0], nil
}
