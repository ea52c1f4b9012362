package prune

import (
	"context"

	"github.com/opencontainers/go-digest"
)

// Shelf is where the images of one repository are: at a registry, in a layout, in
// a store.
type Shelf interface {
	// Reference is a tag or a digest as users write it.
	Reference(identifier string) string
	Reader
	Deleter
}

// Reader tells what is there. The errors have the kind not-found where something
// is not.
type Reader interface {
	// Tags are all tags; none where there is no such repository.
	Tags(ctx context.Context) ([]string, error)
	// Resolve is what a tag or a digest names.
	Resolve(ctx context.Context, identifier string) (digest.Digest, error)
	// Read is Resolve, and what the manifest needs and is about.
	Read(ctx context.Context, identifier string) (Entry, error)
	// Referrers are the manifests that are about d.
	Referrers(ctx context.Context, d digest.Digest) ([]digest.Digest, error)
}

// Deleter deletes, and takes it for no error where something is not there.
type Deleter interface {
	DeleteTag(ctx context.Context, tag string) error
	DeleteManifest(ctx context.Context, d digest.Digest) error
	// Collects reports whether what no tag names is forgotten without that anybody
	// deletes it.
	Collects() bool
}

// Entry is a manifest as a shelf has it.
type Entry struct {
	Digest digest.Digest
	Manifest
	Indexes []digest.Digest // those it lists that list others
}
