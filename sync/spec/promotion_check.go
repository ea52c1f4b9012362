package spec

import (
	"fmt"
	"strings"

	"csync/sync/fault"
)

// assumed are the values that follow from others, as the file has them, so
// that they can follow again where a flag has replaced one of those.
type assumed struct {
	index              IndexMode
	indexTag, rollback string
}

// assume gives what the file does not say the values that follow from the rest.
func (p *Promotion) assume() {
	if p.Index == p.assumed.index {
		p.Index = p.usualIndex()
		p.assumed.index = p.Index
	}
	if p.IndexTag == p.assumed.indexTag {
		p.IndexTag = "{hash}"
		if p.Index == AssembleIndex {
			p.IndexTag = "{hash}_manifest"
		}
		p.assumed.indexTag = p.IndexTag
	}
	if p.RollbackLabel == p.assumed.rollback && p.Label != "" {
		p.RollbackLabel = strings.ReplaceAll(p.rollback, "{label}", p.Label)
		p.assumed.rollback = p.RollbackLabel
	}
}

// usualIndex assembles where the platforms have tags of their own.
func (p *Promotion) usualIndex() IndexMode {
	if p.suffixed() {
		return AssembleIndex
	}
	return CopyIndex
}

func (p *Promotion) suffixed() bool { return len(p.Platforms) > 0 && p.Platforms[0].Suffix != "" }

// Check says what a promotion lacks or contradicts itself in, after flags have
// replaced single values, and lets what follows from those follow. The error is
// of kind input and wraps [Problems].
func (p *Promotion) Check() error {
	p.assume()
	problems := append(p.missing(), p.contradictions()...)
	if len(problems) > 0 {
		return fault.New(fault.Input, problems.sorted())
	}
	return nil
}

// missing are the things that a promotion cannot do without.
func (p *Promotion) missing() Problems {
	var problems Problems
	lacks := func(missing bool, key, text string) {
		if missing {
			problems = append(problems, Problem{p.At(key), text})
		}
	}
	zuul := p.Images.Zuul != nil
	lacks(p.Source.Registry+p.Source.Place == "", "source", "no source; write source with its registry")
	lacks(len(p.Destinations) == 0, "destinations", "no destination; list at least one under destinations")
	lacks(p.Hash == Hash{} && !zuul, "hash", "no hash; write it, or hash.dlrn, or give --hash")
	lacks(p.Label == "", "label", "no label; write it, or give --label")
	lacks(len(p.Images.Names) == 0 && p.Images.File == "" && p.Images.Tripleo == nil && !zuul,
		"images", "no images; write images with names, file, tripleo or zuul")
	return problems
}

// contradictions are values that do not go together.
func (p *Promotion) contradictions() Problems {
	var problems Problems
	reject := func(key, format string, args ...any) {
		problems = append(problems, Problem{p.At(key, "platforms"), fmt.Sprintf(format, args...)})
	}
	switch {
	case p.Index == AssembleIndex && !p.suffixed():
		reject("index", "index is assemble and platforms have no suffixes; write them, such as {linux/amd64: _x86_64}")
	case p.Index != AssembleIndex && p.suffixed():
		reject("index", "index is %s and platforms have suffixes; write platforms as a list, or \"index: assemble\"", p.Index)
	}
	for _, platform := range p.Platforms {
		if p.IndexTag == "{hash}"+platform.Suffix && platform.Suffix != "" {
			reject("index-tag", "index-tag %q is the tag of %s as well", p.IndexTag, PlatformName(platform.Platform))
		}
	}
	if p.RollbackLabel != "" && p.RollbackLabel == p.Label {
		reject("rollback-label", "rollback-label is the label itself; \"previous-{label}\" was meant")
	}
	problems = append(problems, p.checkTag("label", p.Label)...)
	problems = append(problems, p.checkTag("rollback-label", p.RollbackLabel)...)
	if p.Hash.Value != "" {
		if err := p.CheckHash(p.Hash.Value); err != nil {
			reject("hash", "%v", err)
		}
	}
	return append(problems, p.sameDestinations()...)
}

func (p *Promotion) checkTag(key, tag string) Problems {
	if tag == "" || wholeTag.MatchString(tag) {
		return nil
	}
	return Problems{{p.At(key), fmt.Sprintf("%s %q is not a tag: %s", key, tag, tagForm)}}
}

// CheckHash says why a hash cannot be that of the promotion: it is empty, or it
// makes no tag, with the longest suffix that it gets.
func (p *Promotion) CheckHash(hash string) error {
	if hash == "" {
		return fault.New(fault.Input, fmt.Errorf("the hash is empty"))
	}
	if !wholeTag.MatchString(hash) {
		return fault.New(fault.Input, fmt.Errorf("%q is not a hash that a tag can have: %s", hash, tagForm))
	}
	tags := []string{strings.ReplaceAll(p.IndexTag, "{hash}", hash)}
	for _, platform := range p.Platforms {
		tags = append(tags, hash+platform.Suffix)
	}
	for _, tag := range tags {
		if tag != "" && !wholeTag.MatchString(tag) {
			return fault.New(fault.Input, fmt.Errorf("the hash makes %q, which is not a tag: %s", tag, tagForm))
		}
	}
	if hash == p.Label || hash == p.RollbackLabel {
		return fault.New(fault.Input, fmt.Errorf("the hash is the label %q itself", hash))
	}
	return nil
}

// sameDestinations are the destinations that stand there twice.
func (p *Promotion) sameDestinations() Problems {
	var problems Problems
	first := map[string]Position{}
	for _, d := range p.Destinations {
		name := strings.TrimPrefix(d.Locate(d.Namespace), "docker://")
		if d.Namespace == "" && d.Place == "" {
			name += "/"
		}
		if len(d.Renames) > 0 {
			continue // the images may differ
		}
		if at, found := first[name]; found {
			problems = append(problems, Problem{d.Position, fmt.Sprintf("destination %q is at line %d already; list it once", name, at.Line)})
			continue
		}
		first[name] = d.Position
	}
	return problems
}
