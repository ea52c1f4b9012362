package spec

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// defaultTripleoPath is where tripleo-common has its containers file.
const defaultTripleoPath = "container-images/tripleo_containers.yaml"

// binaryReleases are the releases of tripleo whose images are called
// centos-binary-… and whose containers files do not say who builds an image.
var binaryReleases = []string{"queens", "stein", "train", "ussuri", "osp16-2"}

// keysOfImages has a reader for each key of images.
func (p *promotionReader) keysOfImages() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"prefix": func(node *yaml.Node) {
			p.prefix = true
			p.Images.Prefix, _ = p.text(node, "images.prefix")
		},
		"names":   func(node *yaml.Node) { p.Images.Names = p.names(node, "images.names") },
		"exclude": func(node *yaml.Node) { p.Images.Exclude = p.names(node, "images.exclude") },
		"lacking": p.readLacking,
		"file":    func(node *yaml.Node) { p.Images.File = p.location(node, "images.file") },
		"tripleo": p.readTripleo,
		"zuul": func(node *yaml.Node) {
			p.Images.Zuul = &Zuul{}
			p.fieldsWith(node, "images.zuul", p.keysOfZuul(), "api", "job")
		},
	}
}

// names reads a list of images' names, each once, in the order of the file.
func (p *promotionReader) names(node *yaml.Node, what string) []string {
	var names []string
	for element, word := range p.words(node, what, "the name of an image") {
		switch err := CheckImage(word); {
		case err != nil:
			p.reject(p.at(element), "%v", err)
		case !slices.Contains(names, word):
			names = append(names, word)
		}
	}
	return names
}

func (p *promotionReader) readLacking(node *yaml.Node) {
	p.Images.Lacking = map[string][]string{}
	for _, pair := range p.pairs(node, "images.lacking") {
		p.lacking = append(p.lacking, pair.key)
		names := p.names(pair.value, "the images that a platform lacks")
		if platform, err := ParsePlatform(pair.key.Value); err == nil {
			p.Images.Lacking[PlatformName(platform)] = names
		}
	}
}

func (p *promotionReader) readTripleo(node *yaml.Node) {
	t := &Tripleo{Path: defaultTripleoPath}
	p.Images.Tripleo = t
	p.fields(node, "images.tripleo", p.keysOfTripleo())
	switch {
	case t.URL != "" && t.Versions+t.BaseURL != "":
		p.reject(p.at(node), "images.tripleo has a url, and versions or base-url; keep one of the two ways")
	case t.URL == "" && (t.Versions == "" || t.BaseURL == ""):
		p.reject(p.at(node), "images.tripleo needs a url, or versions and base-url")
	}
	t.Prefix = "openstack-"
	filtered := t.ImageSource != nil
	if slices.Contains(binaryReleases, t.Release) {
		t.Prefix = "centos-binary-"
	} else if !filtered {
		t.ImageSource = []string{"tripleo", "kolla"}
	}
}

func (p *promotionReader) keysOfTripleo() map[string]func(*yaml.Node) {
	t := p.Images.Tripleo
	return map[string]func(*yaml.Node){
		"url":      func(node *yaml.Node) { t.URL = p.location(node, "images.tripleo.url") },
		"versions": func(node *yaml.Node) { t.Versions = p.location(node, "images.tripleo.versions") },
		"base-url": func(node *yaml.Node) {
			t.BaseURL = strings.TrimRight(p.location(node, "images.tripleo.base-url"), "/")
		},
		"path":    func(node *yaml.Node) { t.Path, _ = p.word(node, "images.tripleo.path") },
		"release": func(node *yaml.Node) { t.Release, _ = p.word(node, "images.tripleo.release") },
		"distro":  func(node *yaml.Node) { t.Distro, _ = p.word(node, "images.tripleo.distro") },
		"image-source": func(node *yaml.Node) {
			t.ImageSource = []string{}
			for _, word := range p.words(node, "images.tripleo.image-source", "an image source") {
				t.ImageSource = append(t.ImageSource, word)
			}
		},
		"exclude-file": func(node *yaml.Node) { t.ExcludeFile = p.location(node, "images.tripleo.exclude-file") },
	}
}

func (p *promotionReader) keysOfZuul() map[string]func(*yaml.Node) {
	z := p.Images.Zuul
	return map[string]func(*yaml.Node){
		"api": func(node *yaml.Node) {
			if api := p.address(node, "images.zuul.api"); api != "" {
				z.API = strings.TrimRight(api, "/") + "/"
			}
		},
		"job": func(node *yaml.Node) { z.Job, _ = p.word(node, "images.zuul.job") },
	}
}

// places are what a location has for a hash.
var places = regexp.MustCompile(`\{[^}]*\}`)

// location gives a path, or a URL of a file, HTTP or HTTPS, or "".
func (p *promotionReader) location(node *yaml.Node, what string) string {
	text, ok := p.word(node, what)
	for _, place := range places.FindAllString(text, -1) {
		if place != "{hash}" && place != "{hash-directory}" {
			p.reject(p.at(node), "%s has no place %s; {hash} or {hash-directory} was meant", what, place)
		}
	}
	if !ok || !strings.Contains(text, ":") {
		return text
	}
	scheme, _, _ := strings.Cut(text, ":")
	switch scheme {
	case "http", "https":
		return p.address(node, what)
	case "file":
		return text
	}
	if strings.Contains(scheme, "/") { // of a path
		return text
	}
	p.reject(p.at(node), "%s %q begins with %q; a path, or a URL of file:, http: or https: was meant", what, text, scheme+":")
	return ""
}

// address gives a URL of HTTP or HTTPS, or "".
func (p *promotionReader) address(node *yaml.Node, what string) string {
	text, ok := p.word(node, what)
	if !ok {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		// Not repeated: it may hold a password.
		p.reject(p.at(node), "%s has an @; nobody is asked by name and password there", what)
		return ""
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		p.reject(p.at(node), "%s %q is not a URL of HTTP or HTTPS", what, text)
		return ""
	}
	return text
}
