package prune

import (
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
)

// attachedForm is a tag under which something about a digest is kept: cosign's
// signatures, attestations and SBOMs, "sha256-<hex>.sig", and the list of
// referrers at registries without an API for it (OCI distribution 1.1, "Referrers
// Tag Schema"), which cuts off what is too long for a tag.
var attachedForm = regexp.MustCompile(`^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{121})(\..+)?$`)

// maxTag is how long a tag may be.
const maxTag = 128

// attachedName is what the tags begin with under which something about d is kept.
func attachedName(d digest.Digest) string {
	name := strings.Replace(d.String(), ":", "-", 1)
	return name[:min(len(name), maxTag)]
}

// subjects are the manifests by what tags about them begin with.
func (c Contents) subjects() map[string]digest.Digest {
	found := make(map[string]digest.Digest, len(c.Manifests))
	for sum := range c.Manifests {
		found[attachedName(sum)] = sum
	}
	return found
}

// subjectOf is the manifest of the repository that a tag keeps something about,
// or "".
func (d *decision) subjectOf(tag string) digest.Digest { return subjectOf(tag, d.subjects) }

// subjectOf is the manifest that a tag keeps something about, of those given by
// what such tags begin with; or "".
func subjectOf(tag string, subjects map[string]digest.Digest) digest.Digest {
	form := attachedForm.FindStringSubmatch(tag)
	if form == nil {
		return ""
	}
	return subjects[form[1]]
}

// subjectNamed is the digest that a tag keeps something about, where the tag has
// all of it; or "".
func subjectNamed(tag string) digest.Digest {
	form := attachedForm.FindStringSubmatch(tag)
	if form == nil {
		return ""
	}
	named := digest.Digest(strings.Replace(form[1], "-", ":", 1))
	if named.Validate() != nil {
		return ""
	}
	return named
}

// about are the referrers and the signatures of each manifest.
func (c Contents) about() map[digest.Digest][]digest.Digest {
	about := map[digest.Digest][]digest.Digest{}
	subjects := c.subjects()
	for tag, sum := range c.Tags {
		if subject := subjectOf(tag, subjects); subject != "" {
			about[subject] = append(about[subject], sum)
		}
	}
	for sum, m := range c.Manifests {
		if m.Subject != "" {
			about[m.Subject] = append(about[m.Subject], sum)
		}
	}
	return about
}

// followers are what goes only after each manifest: what it lists, and what is
// about it.
func (c Contents) followers() map[digest.Digest][]digest.Digest {
	followers := c.about()
	for sum, m := range c.Manifests {
		followers[sum] = append(followers[sum], m.Lists...)
	}
	return followers
}
