package layout

import (
	"strings"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Name is what an entry is called; "" for nothing.
func Name(d v1.Descriptor) string { return d.Annotations[v1.AnnotationRefName] }

// Split is the repository and the tag or digest that a name stands for. A name
// without a tag is one, in the repository "", and a digest is one there.
func Split(name string) (repository, identifier string) {
	if digest.Digest(name).Validate() == nil {
		return "", name
	}
	if path, sum, digested := strings.Cut(name, "@"); digested && digest.Digest(sum).Validate() == nil {
		return path, sum
	}
	at := strings.LastIndexByte(name, ':')
	if at <= strings.LastIndexByte(name, '/') {
		return "", name
	}
	return name[:at], name[at+1:]
}

// Join is the name of a tag or a digest in a repository.
func Join(repository, identifier string) string {
	switch {
	case repository == "":
		return identifier
	case digest.Digest(identifier).Validate() == nil:
		return repository + "@" + identifier
	}
	return repository + ":" + identifier
}
