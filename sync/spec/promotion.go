package spec

import (
	"regexp"
	"time"

	"csync/sync/registry/transport"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Promotion is what a promotion file asks for: images of one hash, from a
// source to destinations, and a label that moves onto them.
type Promotion struct {
	Name         string // of the file
	Source       Registry
	Destinations []Registry // as in the file
	Images       Images
	Hash         Hash
	Label        string
	// RollbackLabel gets what Label named before; "" for none.
	RollbackLabel string
	Platforms     []PlatformSuffix // as in the file
	Index         IndexMode
	IndexTag      string // with {hash} in it
	Format        string // of assembled indexes: "oci", "docker", or "" for what the images are
	LabelsIndex   bool   // the label names the index, where IndexTag is a tag of its own
	TagPolicy     TagPolicy
	Gate          Gate
	Keep          Keep
	KeepDirectory string

	positions map[string]Position // of the file's keys
	rollback  string              // rollback-label as it is written, with {label}
	assumed   assumed             // what the file does not say
}

// Registry is one side of a promotion.
type Registry struct {
	Registry  string // host[:port]; "" where Place is
	Place     string // "oci:PATH", a layout that is not at a registry; "" for none
	Namespace string // below it; may be empty
	Access    transport.Access
	// Create is how repositories that are not there come about: "public" or
	// "private", by the registry's API, or "" where nobody creates them.
	Create   string
	Token    transport.Secret // of the registry's API
	Renames  []Rename
	Label    bool // whether the label moves here
	Position Position
}

// Rename gives images whose name matches another at a destination.
type Rename struct {
	Pattern     *regexp.Regexp
	Replacement string // $1 is what the first group matched
	Position    Position
}

// PlatformSuffix is a platform that is asked of every image, and what the tags
// of its images end with.
type PlatformSuffix struct {
	Platform v1.Platform
	Suffix   string // "" where the hash's tag names an index of all platforms
	Optional bool   // an image may lack it
}

// IndexMode is where the indexes of a promotion come from.
type IndexMode string

// The modes of an index.
const (
	CopyIndex     IndexMode = "copy"     // from the source, as they are
	AssembleIndex IndexMode = "assemble" // from the images of the arch tags
	MergeIndex    IndexMode = "merge"    // of the source's, and what only the destination's has
)

// Images says which images are promoted: the union of what its parts give.
type Images struct {
	// Prefix is put before each name that Names, File or Tripleo give.
	Prefix  string
	Names   []string
	Exclude []string // names without prefix
	// Lacking are the names, without prefix, of the images that a platform does
	// not have, by the platform as os/architecture[/variant].
	Lacking map[string][]string
	File    string // a name a line; a path or a URL, or ""
	Tripleo *Tripleo
	Zuul    *Zuul
}

// Tripleo is a tripleo containers file: by URL, or in the commit of
// tripleo-common that Versions names.
type Tripleo struct {
	URL string
	// Versions is the versions.csv of a DLRN repository; the file is at
	// BaseURL/SHA/Path.
	Versions, BaseURL, Path string
	Release, Distro         string
	ImageSource             []string // the only ones wanted; none: all
	ExcludeFile             string
	// Prefix is what the release's images begin with, and is not part of the
	// names that a list of exclusions has.
	Prefix string
}

// Zuul is a job that builds the images.
type Zuul struct {
	API string // of a tenant, ends with a slash
	Job string
}

// Hash is given, or asked of DLRN, or neither: a Zuul job knows it.
type Hash struct {
	Value string
	DLRN  *DLRN
}

// DLRN is who knows a hash by the name that it was promoted to.
type DLRN struct {
	URL         string
	PromoteName string
}

// Gate is a program that is asked about every digest before a label moves.
type Gate struct {
	Command []string // with {reference} or {digest} in it; none: no gate
	Timeout time.Duration
}

// Keep says when what was read of an image stays on disk.
type Keep string

// When images are kept.
const (
	KeepNever     Keep = "never"
	KeepOnFailure Keep = "on-failure"
	KeepAlways    Keep = "always"
)

// Locate is where a repository of the side is, "docker://q.io/tripleo/base" or
// "oci:PATH:tripleo/base"; "" is the side itself.
func (r Registry) Locate(repository string) string {
	root, between := "docker://"+r.Registry, "/"
	if r.Place != "" {
		root, between = r.Place, ":"
	}
	if repository == "" {
		return root
	}
	return root + between + repository
}

// Repository is what an image is called here, below the host: its namespace
// and its name, as the first rename that matches makes it.
func (r Registry) Repository(image string) string {
	for _, rename := range r.Renames {
		if rename.Pattern.MatchString(image) {
			image = rename.Pattern.ReplaceAllString(image, rename.Replacement)
			break
		}
	}
	if r.Namespace == "" {
		return image
	}
	return r.Namespace + "/" + image
}

// MayMove reports whether a tag that exists may name another digest: as the tag
// policy has it, and the labels of the promotion may wherever the policy is a
// list.
func (p *Promotion) MayMove(tag string) bool {
	label := tag == p.Label || tag == p.RollbackLabel && tag != ""
	return p.TagPolicy.MayMove(tag) || label && p.TagPolicy.mayMoveLabels(tag)
}

// At is where the first of the keys that the file has stands, "hash" say, or
// the file if it has none of them.
func (p *Promotion) At(keys ...string) Position {
	for _, key := range keys {
		if at, found := p.positions[key]; found {
			return at
		}
	}
	return Position{File: p.Name}
}
