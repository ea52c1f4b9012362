package spec

import (
	"regexp"
	"slices"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"
)

// suffixForm is what may end a tag.
var suffixForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// PlatformName is os/architecture[/variant], as ParsePlatform reads it.
func PlatformName(platform v1.Platform) string {
	name := platform.OS + "/" + platform.Architecture
	if platform.Variant != "" {
		name += "/" + platform.Variant
	}
	return name
}

// readPlatforms reads a mapping from platforms to the suffixes of their tags,
// or a list of those that an index must have.
func (p *promotionReader) readPlatforms(node *yaml.Node) {
	if node.Kind == yaml.SequenceNode {
		for element, word := range p.words(node, "platforms", "a platform") {
			p.addPlatform(element, word, "")
		}
		return
	}
	for _, pair := range p.pairs(node, "platforms") {
		key, ok := p.word(pair.key, "a platform")
		suffix, isText := p.word(pair.value, "the suffix of a platform")
		switch {
		case !ok || !isText:
		case !suffixForm.MatchString(suffix):
			p.reject(p.at(pair.value), "suffix %q has characters that no tag has", suffix)
		case slices.ContainsFunc(p.Platforms, func(other PlatformSuffix) bool { return other.Suffix == suffix }):
			p.reject(p.at(pair.value), "suffix %q is another platform's already", suffix)
		default:
			p.addPlatform(pair.key, key, suffix)
		}
	}
}

func (p *promotionReader) addPlatform(node *yaml.Node, word, suffix string) {
	platform, err := ParsePlatform(word)
	switch {
	case err != nil:
		p.reject(p.at(node), "%v", err)
	case p.indexOf(platform) >= 0:
		p.reject(p.at(node), "platform %q is listed twice", PlatformName(platform))
	default:
		p.Platforms = append(p.Platforms, PlatformSuffix{Platform: platform, Suffix: suffix})
	}
}

// indexOf is the place of a platform among those of the promotion, or -1.
func (p *promotionReader) indexOf(platform v1.Platform) int {
	name := PlatformName(platform)
	return slices.IndexFunc(p.Platforms, func(other PlatformSuffix) bool { return PlatformName(other.Platform) == name })
}

// readOptional marks the platforms that an image may lack, once all are read.
func (p *promotionReader) readOptional() {
	for _, node := range p.optional {
		if i := p.known(node, "optional"); i >= 0 {
			p.Platforms[i].Optional = true
		}
	}
	for _, node := range p.lacking {
		p.known(node, "images.lacking")
	}
}

// known is the place of the platform that node names among those of the
// promotion, or -1 where it is none of them.
func (p *promotionReader) known(node *yaml.Node, what string) int {
	word, ok := p.word(node, "a platform")
	if !ok {
		return -1
	}
	platform, err := ParsePlatform(word)
	if err != nil {
		p.reject(p.at(node), "%v", err)
		return -1
	}
	i := p.indexOf(platform)
	if i < 0 {
		names := make([]string, len(p.Platforms))
		for i, known := range p.Platforms {
			names[i] = PlatformName(known.Platform)
		}
		p.reject(p.at(node), "%s names %q, which is not under platforms%s", what, word, didYouMean(word, names))
	}
	return i
}
