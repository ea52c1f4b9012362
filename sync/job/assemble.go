package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/report"
	"csync/sync/spec"
)

// Assembly is what an assembly of indexes is asked for besides its options.
type Assembly struct {
	// Arguments are a destination and the images of its index, each with a
	// platform behind an = if that is to be held against its config; with Suffixes,
	// a destination and the reference that they follow, which may be the
	// destination. None: a line of the source file has them for each index.
	Arguments []string
	// Suffixes are what the tags of the images of a platform end with,
	// PLATFORM=SUFFIX.
	Suffixes []string
	// Optional are platforms of which there need not be an image.
	Optional []string
	// Format is that of the indexes, oci or docker; "" is that of their images.
	Format string
}

// assembly is one on its way.
type assembly struct {
	*job
	form     string
	suffixes []spec.PlatformSuffix
	optional []v1.Platform
	lacked   map[string]bool // of the optional ones: that there could be such an image
	format   string
}

// part is an image that an index is to have.
type part struct {
	location image.Location
	pin      digest.Digest
	platform *v1.Platform // nil: whichever it is for
	optional bool
}

// Run writes indexes of images, and brings those that are elsewhere first. Equal
// images give an equal index. Everything that was asked for is in the report; an
// error says that nothing was attempted.
func (a Assembly) Run(ctx context.Context, o Options) (*report.Report, error) {
	return writeIndexes(ctx, o, func(ctx context.Context, j *job) ([]func() *index, error) {
		form, err := a.check(j)
		if err != nil {
			return nil, err
		}
		var all []func() *index
		err = readActions(j, a.Arguments, form.form, func(actions *actions, words []spec.Word) error {
			to, parts, err := form.read(actions, words)
			all = append(all, func() *index { return form.index(ctx, to, parts) })
			return err
		})
		if err != nil {
			return nil, err
		}
		return all, form.unused()
	})
}

// check reads what does not depend on the images.
func (a Assembly) check(j *job) (*assembly, error) {
	form := &assembly{job: j, form: "DEST SOURCE[=PLATFORM] [SOURCE...]", lacked: map[string]bool{}, format: content.IndexType(a.Format)}
	if a.Format != "" && form.format == "" {
		return nil, j.usage("--format %q is neither oci nor docker", a.Format)
	}
	if len(a.Suffixes) > 0 {
		form.form = "DEST [REFERENCE]"
	}
	for _, text := range a.Suffixes {
		if err := form.addSuffix(text); err != nil {
			return nil, j.usage("--suffixes: %w", err)
		}
	}
	for _, name := range a.Optional {
		platform, err := spec.ParsePlatform(name)
		if err != nil {
			return nil, j.usage("--optional: %w", err)
		}
		form.optional = append(form.optional, platform)
	}
	return form, nil
}

// addSuffix reads PLATFORM=SUFFIX.
func (a *assembly) addSuffix(text string) error {
	name, suffix, _ := strings.Cut(text, "=")
	platform, err := spec.ParsePlatform(name)
	if err != nil {
		return err
	}
	if suffix == "" {
		return fmt.Errorf("%q names no suffix; %s=SUFFIX was meant", text, name)
	}
	for _, other := range a.suffixes {
		if other.Suffix == suffix || content.PlatformName(other.Platform) == content.PlatformName(platform) {
			return fmt.Errorf("%q is named twice", text)
		}
	}
	a.suffixes = append(a.suffixes, spec.PlatformSuffix{Platform: platform, Suffix: suffix})
	return nil
}

// read reads one action.
func (a *assembly) read(actions *actions, words []spec.Word) (to written, parts []part, err error) {
	if len(words) == 0 || len(a.suffixes) > 0 && len(words) > 2 || len(a.suffixes) == 0 && len(words) < 2 {
		return to, nil, actions.incomplete(words)
	}
	if to, err = actions.destination(words[0]); err != nil {
		return to, nil, err
	}
	if len(a.suffixes) > 0 {
		parts, err = a.suffixed(actions, words[len(words)-1])
		return to, parts, err
	}
	for _, w := range words[1:] {
		p, err := a.part(actions, w)
		if err != nil {
			return to, nil, err
		}
		parts = append(parts, p)
	}
	return to, parts, nil
}

// suffixed are the images whose tags begin with that of a reference.
func (a *assembly) suffixed(actions *actions, w spec.Word) ([]part, error) {
	base, _, err := actions.image(w, w.Text)
	if err != nil {
		return nil, err
	}
	if base.Digested() != "" {
		return nil, &mistake{w, fmt.Errorf("%q names no tag, which suffixes could follow", w.Text)}
	}
	var parts []part
	for _, s := range a.suffixes {
		location, err := base.Beside(base.Identifier() + s.Suffix)
		if err != nil {
			return nil, &mistake{w, err}
		}
		parts = append(parts, part{location: location, platform: &s.Platform, optional: a.mayLack(s.Platform)})
	}
	return parts, nil
}

// part is an image by its reference, and the platform behind that.
func (a *assembly) part(actions *actions, w spec.Word) (p part, err error) {
	name, platform, given := strings.Cut(w.Text, "=")
	if given {
		parsed, err := spec.ParsePlatform(platform)
		if err != nil {
			return p, &mistake{w, err}
		}
		p.platform, p.optional = &parsed, a.mayLack(parsed)
	}
	p.location, p.pin, err = actions.image(w, name)
	return p, err
}

// mayLack reports whether there need not be an image for a platform.
func (a *assembly) mayLack(platform v1.Platform) bool {
	for _, optional := range a.optional {
		if content.Fits(optional, &platform) {
			a.lacked[content.PlatformName(optional)] = true
			return true
		}
	}
	return false
}

// unused says which optional platform no image is for, which is a mistake: its
// image could not be left out.
func (a *assembly) unused() error {
	i := slices.IndexFunc(a.optional, func(p v1.Platform) bool { return !a.lacked[content.PlatformName(p)] })
	if i < 0 {
		return nil
	}
	name := content.PlatformName(a.optional[i])
	return a.usage("--optional %s: no image is said to be for it; write SOURCE=%s, or --suffixes %s=SUFFIX", name, name, name)
}

// index reads the images, and makes their index.
func (a *assembly) index(ctx context.Context, to written, parts []part) *index {
	var images []plan.Known
	for _, p := range parts {
		known, err := plan.Read(ctx, p.location, p.pin)
		if p.optional && fault.Is(err, fault.NotFound) {
			continue
		}
		if err == nil {
			err = known.Identify(ctx, p.platform)
		}
		if err != nil {
			return failing(p.location, to, report.Assemble, err)
		}
		images = append(images, known)
	}
	if len(images) == 0 {
		return failing(parts[0].location, to, report.Assemble, errNone)
	}
	step, err := plan.Assembling(images, a.format, to.Location)
	if err != nil {
		return failing(parts[0].location, to, report.Assemble, err)
	}
	return a.making(step, to, images...)
}

var errNone = fault.New(fault.NotFound, errors.New("none of the index's images is there"))
