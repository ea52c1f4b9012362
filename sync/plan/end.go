package plan

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
)

// end is the source or the destination of a step as planning looks at it: a
// remote or an elsewhere.
type end interface {
	// look is the manifest that is there. The error has the kind not-found where
	// there is none.
	look(ctx context.Context) (v1.Descriptor, error)
	// complete is look, and asks a registry for every instance of an index. The
	// error has the kind not-found where one is missing.
	complete(ctx context.Context) error
	// open is what there is to ask about the image's blobs.
	open(ctx context.Context) (stock, error)
	// choose is what the selection wants of what is there.
	choose(ctx context.Context, selection content.Selection) found
	// keepsDigest reports whether what a selection makes of an image has there the
	// digest that it has in a registry.
	keepsDigest(selection content.Selection) bool
}

// repository is what planning asks of a repository, in a registry or in an OCI
// layout. An [image.Shelf] is one.
type repository interface {
	content.Shelf
	// Tags are all tags; the error has the kind not-found where there is no such
	// repository.
	Tags(ctx context.Context) ([]string, error)
	// Digests are what the registry has told with Tags, for some of them.
	Digests(ctx context.Context) map[string]digest.Digest
	// Referrers are the manifests whose subject is the digest.
	Referrers(ctx context.Context, subject digest.Digest) ([]v1.Descriptor, error)
	// HasBlob reports whether a blob is there, and its size, -1 if that is not
	// known.
	HasBlob(ctx context.Context, d digest.Digest) (size int64, has bool, err error)
}

func endOf(l image.Location) end {
	if there, ok := l.Remote(); ok {
		return remote{kept{there.Repository, there.Identifier}}
	}
	if there, ok := l.Shelf(); ok {
		return packed{kept{there.Shelf, there.Identifier}, l}
	}
	return elsewhere{l}
}

// keptBy is the repository that has what an end is about, and what it is called
// there; ok is false where there is none.
func keptBy(e end) (k kept, ok bool) {
	switch e := e.(type) {
	case remote:
		return e.kept, true
	case packed:
		return e.kept, true
	}
	return kept{}, false
}

// sameRepository reports whether all that the destination needs is there.
func sameRepository(from, to image.Location) bool {
	source, ok := from.Remote()
	destination, too := to.Remote()
	return ok && too && source.Same(destination.Repository)
}

// kept is an image in a repository.
type kept struct {
	repository
	identifier string // the tag or the digest
}

// remote is one in a registry.
type remote struct{ kept }

// packed is one in an OCI layout.
type packed struct {
	kept
	image.Location
}

func (p packed) open(ctx context.Context) (stock, error) { return elsewhere{p.Location}.open(ctx) }

func (p packed) look(ctx context.Context) (v1.Descriptor, error) { return image.Look(ctx, p.Location) }

func (r kept) look(ctx context.Context) (v1.Descriptor, error) {
	return r.Resolve(ctx, r.identifier)
}

func (r kept) complete(ctx context.Context) error {
	there, err := r.Resolve(ctx, r.identifier)
	if err != nil || !content.IsIndex(there.MediaType) {
		return err
	}
	m, err := r.Manifest(ctx, there.Digest.String())
	if err != nil {
		return err
	}
	return content.Complete(ctx, r, m)
}

func (r kept) open(ctx context.Context) (stock, error) {
	m, err := r.Manifest(ctx, r.identifier)
	if err != nil {
		return stock{}, err
	}
	tree, err := content.Load(ctx, r, m)
	return stock{tree: tree, keeper: r.repository, weigh: r.weigh, parallel: maxQuestions, close: func() {}}, err
}

// weigh asks for a blob.
func (r kept) weigh(ctx context.Context, blob v1.Descriptor) (int64, error) {
	size, has, err := r.HasBlob(ctx, blob.Digest)
	if err == nil && !has {
		err = fault.New(fault.NotFound, errors.New("the registry does not have it"))
	}
	return size, err
}

func (r kept) choose(ctx context.Context, selection content.Selection) found {
	m, err := r.Manifest(ctx, r.identifier)
	if err != nil {
		return found{err: err}
	}
	choice, err := selection.Choose(ctx, r, m)
	choice.Bytes = nil // the run reads it again, and the plan may have many
	return found{digest: m.Digest, choice: choice, err: err}
}

func (kept) keepsDigest(content.Selection) bool { return true }

// elsewhere is an image in a directory, an archive of Docker's or a store. What a
// selection makes of it, only copying tells.
type elsewhere struct{ image.Location }

func (e elsewhere) look(ctx context.Context) (v1.Descriptor, error) {
	return image.Look(ctx, e.Location)
}

func (e elsewhere) complete(ctx context.Context) error {
	_, err := e.look(ctx)
	return err
}

func (e elsewhere) open(ctx context.Context) (stock, error) {
	contents, err := image.Read(ctx, e.Location)
	if err != nil {
		return stock{}, err
	}
	tree, err := contents.Tree(ctx)
	if err != nil {
		contents.Close()
		return stock{}, err
	}
	return stock{tree: tree, keeper: e.Keeper(), weigh: contents.Weigh, parallel: contents.Parallel, close: contents.Close}, nil
}

func (e elsewhere) choose(ctx context.Context, _ content.Selection) found {
	return asItIs(e.look(ctx))
}

func (e elsewhere) keepsDigest(selection content.Selection) bool {
	return selection.All() && !e.Single()
}
