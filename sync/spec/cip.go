package spec

import (
	"cmp"
	"path"
	"slices"

	"github.com/opencontainers/go-digest"
	"go.yaml.in/yaml/v3"
)

// manifest is what a cip manifest says, before its parts are put together: the
// images are read once it is known which registry is the source.
type manifest struct {
	*reader
	root       *yaml.Node
	sourceName string // src-registry, as manifests had it before src
	sourceNode *yaml.Node
	registries []cipRegistry
	images     *yaml.Node // nil: none are listed
}

// cipRegistry is an element of a manifest's registries.
type cipRegistry struct {
	Destination
	source bool
}

// cip reads a cip manifest that lists its images.
func (r *reader) cip(root *yaml.Node) []Source {
	r.manifest = true
	m := &manifest{reader: r, root: root}
	source, ok := m.read()
	if m.images == nil {
		r.reject(r.at(root), "a manifest without images; list them, or give the directory of thin manifests")
		return nil
	}
	source.Repositories = r.cipImages(source.Registry, m.images, false)
	if !ok {
		return nil
	}
	return []Source{source}
}

// read reads all of a manifest but its images. It is not ok if the source or a
// destination cannot be used.
func (m *manifest) read() (source Source, ok bool) {
	broken := m.rejects(func() { m.fields(m.root, "a manifest", m.keys()) })
	if broken {
		return Source{}, false
	}
	broken = m.rejects(func() { source = m.source() })
	return source, !broken
}

// keys has a reader for each key of a manifest.
func (m *manifest) keys() map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"registries":   m.readRegistries,
		"images":       func(node *yaml.Node) { m.images = node },
		"imagesPath":   func(*yaml.Node) {}, // as cip: the path follows from the manifest's
		"src-registry": m.readSourceRegistry,
		"renames": func(node *yaml.Node) {
			m.refuse(m.at(node), "renames are not supported; write a manifest for each name at the destination")
		},
	}
}

func (m *manifest) readSourceRegistry(node *yaml.Node) {
	m.sourceNode = node
	m.sourceName = m.registry(node, "src-registry")
}

func (m *manifest) readRegistries(node *yaml.Node) {
	for _, item := range m.items(node, "registries") {
		registry := cipRegistry{Destination: Destination{Position: m.at(item)}}
		broken := m.rejects(func() { m.fields(item, "an entry of registries", m.keysOfRegistry(&registry)) })
		if registry.Registry == "" && !broken {
			m.reject(registry.Position, "an entry of registries has no name")
		}
		m.registries = append(m.registries, registry)
	}
}

// keysOfRegistry has a reader for each key of an element of registries.
func (m *manifest) keysOfRegistry(registry *cipRegistry) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"name": func(node *yaml.Node) { registry.Registry = m.registry(node, "registry") },
		"src": func(node *yaml.Node) {
			registry.source, _ = m.boolean(node, "src")
		},
		"service-account": func(*yaml.Node) {}, // as cip today: credentials are the user's
	}
}

// source puts the registries of a manifest together: one source, and the
// others its destinations.
func (m *manifest) source() Source {
	var sources []Destination
	var source Source
	if m.sourceNode != nil {
		sources = append(sources, Destination{m.sourceName, m.at(m.sourceNode)})
	}
	for _, registry := range m.registries {
		switch {
		case registry.source:
			sources = append(sources, registry.Destination)
		case registry.Registry == m.sourceName:
		default:
			source.Destinations = append(source.Destinations, registry.Destination)
		}
	}
	if len(sources) != 1 {
		m.reject(m.at(m.root), "%d registries are the source; one with \"src: true\" was meant", len(sources))
	} else {
		source.Registry, source.Position = sources[0].Registry, sources[0].Position
	}
	m.checkDestinations(&source)
	return source
}

func (m *manifest) checkDestinations(source *Source) {
	slices.SortStableFunc(source.Destinations, func(a, b Destination) int { return cmp.Compare(a.Registry, b.Registry) })
	previous := Destination{source.Registry, source.Position}
	for _, destination := range source.Destinations {
		if destination.Registry == previous.Registry || destination.Registry == source.Registry {
			m.reject(destination.Position, "registry %q is listed twice", destination.Registry)
		}
		previous = destination
	}
}

// cipImages reads the images of a manifest, or of the images file of a thin
// one, where an image may have no digests yet.
func (r *reader) cipImages(registry string, node *yaml.Node, thin bool) []Repository {
	var repositories []Repository
	for _, item := range r.items(node, "images") {
		repository := Repository{Position: r.at(item)}
		r.fields(item, "an entry of images", r.keysOfImage(registry, &repository))
		switch {
		case repository.Key == "":
			r.reject(repository.Position, "an entry of images has no name")
		case len(repository.Digests) == 0 && !thin:
			r.doubt(repository.Position, "image %q has no digests under dmap", repository.Key)
		}
		if repository.choosesAnything() {
			repositories = append(repositories, repository)
		}
	}
	return repositories
}

// keysOfImage has a reader for each key of an element of images.
func (r *reader) keysOfImage(registry string, repository *Repository) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"name": func(node *yaml.Node) {
			repository.Key = node.Value
			if repository.Name = r.repositoryName(registry, node); repository.Name != nil {
				repository.Destination = path.Clean(node.Value)
			}
		},
		"dmap": func(node *yaml.Node) { r.readDigests(node, repository) },
	}
}

func (r *reader) readDigests(node *yaml.Node, repository *Repository) {
	for _, p := range r.pairs(node, "dmap") {
		if !r.isDigest(p.key, p.key.Value) {
			continue
		}
		wanted := Digest{Digest: digest.Digest(p.key.Value), Position: r.at(p.key)}
		for element, word := range r.words(p.value, "the tags of a digest", "a tag") {
			if r.isTag(element, word) {
				wanted.Tags = append(wanted.Tags, word)
			}
		}
		repository.Digests = append(repository.Digests, wanted)
	}
}
