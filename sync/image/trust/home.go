package trust

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	"go.podman.io/image/v5/types"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/registry"
)

// Homes finds where the signatures of registries' images are kept. It is safe
// for concurrent use.
type Homes struct {
	// System says where the files of containers-registries.d(5) are.
	System *types.SystemContext
	// Fetch reads what a lookaside has at a URL, at most limit bytes. The error
	// has the kind not-found where that is nothing.
	Fetch fetch

	once       sync.Once
	configured *registriesD
	failed     error
	locks      sync.Map // place and manifest -> who adds signatures (*sync.Mutex)
	kept       sync.Map // directory of a repository's signatures -> whether there are any (func() bool)
}

// Home is where the signatures of a repository's images are kept.
type Home struct {
	repository  *registry.Repository
	read        lookaside
	written     lookaside
	attachments bool
	locks       *sync.Map    // of all homes
	kept        func() bool  // there may be signatures in the lookaside
	bytes       atomic.Int64 // that came over the network
	shown       sync.Map     // manifest -> what its signatures were read from (registry.Manifest)
}

// Of is the home of a repository's signatures, for an image that ref names.
func (h *Homes) Of(ref types.ImageReference, repository *registry.Repository) (*Home, error) {
	h.once.Do(func() { h.configured, h.failed = readRegistriesD(h.System) })
	if h.failed != nil {
		return nil, h.failed
	}
	read, err := h.configured.lookaside(ref, false)
	if err != nil {
		return nil, err
	}
	written, err := h.configured.lookaside(ref, true)
	if err != nil {
		return nil, err
	}
	home := &Home{repository: repository, locks: &h.locks, attachments: h.configured.attachments(ref)}
	read.fetch, written.fetch = home.counting(h.Fetch), home.counting(h.Fetch)
	home.read, home.written = read, written
	kept, _ := h.kept.LoadOrStore(read.base.String(), sync.OnceValue(read.possible))
	home.kept = kept.(func() bool)
	return home, nil
}

// counting counts what is fetched.
func (h *Home) counting(fetch fetch) fetch {
	return func(ctx context.Context, at *url.URL, limit int64) ([]byte, error) {
		content, err := fetch(ctx, at, limit)
		h.bytes.Add(int64(len(content)))
		return content, err
	}
}

// BytesRead is the number of bytes that came over the network since it was last
// asked.
func (h *Home) BytesRead() int64 { return h.bytes.Swap(0) }

// Signatures are those of a manifest of the repository: simple ones first.
func (h *Home) Signatures(ctx context.Context, of digest.Digest) ([]Signature, error) {
	return h.signatures(ctx, of, h.read)
}

// Written are the signatures that have been written of a manifest, which may
// not be where they are read yet.
func (h *Home) Written(ctx context.Context, of digest.Digest) ([]Signature, error) {
	return h.signatures(ctx, of, h.written)
}

// Possible reports whether there may be any signature of the repository at all,
// or might when that was first asked.
func (h *Home) Possible() bool { return h.attachments || h.kept() }

// Attaches reports whether sigstore's signatures are kept beside the image, under
// an attachmentTag.
func (h *Home) Attaches() bool { return h.attachments }

func (h *Home) signatures(ctx context.Context, of digest.Digest, at lookaside) ([]Signature, error) {
	var simple, attached []Signature
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		simple, err = at.signatures(ctx, of, 1)
		return err
	})
	group.Go(func() (err error) {
		attached, err = h.attached(ctx, of)
		return err
	})
	err := group.Wait()
	return append(simple, attached...), err
}

// Missing are the signatures that a source has of a manifest, without those that
// a keeper has.
func Missing(ctx context.Context, of digest.Digest, has []Signature, source Store) (missing []Signature, err error) {
	there, err := source.Signatures(ctx, of)
	for _, s := range there {
		if !contains(has, s) {
			missing = append(missing, s)
		}
	}
	return missing, err
}

func contains(all []Signature, s Signature) bool {
	return slices.ContainsFunc(all, func(other Signature) bool { return string(other) == string(s) })
}

// simple is the number of simple signatures.
func simple(all []Signature) int {
	return len(slices.DeleteFunc(slices.Clone(all), Signature.Sigstore))
}

// Lacks reports whether the home lacks one of the signatures that another has of
// a manifest. Attachments are looked at only where they are not the same. Errors
// of the home itself say that it is the destination.
func (h *Home) Lacks(ctx context.Context, of digest.Digest, from *Home) (bool, error) {
	var signature, attached bool
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		has, err := h.written.signatures(ctx, of, 1)
		if err != nil {
			return h.atDestination(err)
		}
		there, err := from.read.signatures(ctx, of, len(has))
		signature = slices.ContainsFunc(there, func(s Signature) bool { return !contains(has, s) })
		return err
	})
	group.Go(func() (err error) {
		attached, err = h.lacksAttached(ctx, of, from)
		return err
	})
	err := group.Wait()
	return signature || attached, err
}

func (h *Home) atDestination(err error) error {
	return fault.At(fault.Destination, "docker://"+h.repository.Name().Name(), err)
}

// Hold keeps others from adding signatures of a manifest here until release is
// called: what is added depends on what is there.
func (h *Home) Hold(of digest.Digest) (release func()) {
	lock, _ := h.locks.LoadOrStore(h.written.base.String()+" "+h.repository.Name().Name()+" "+of.String(), &sync.Mutex{})
	mutex := lock.(*sync.Mutex)
	mutex.Lock()
	return mutex.Unlock
}

// Addition is signatures of a manifest that a home gets.
type Addition struct {
	Of digest.Digest
	// Has are the signatures that the home has.
	Has, More []Signature
	// From is where the others were read; nil: they are new, or from no registry.
	From *Home
}

// Add keeps further signatures of a manifest, behind those that the home has.
// What is attached to the image elsewhere, and nothing is here, comes as it is.
// written is the number of bytes that went to the registry.
func (h *Home) Add(ctx context.Context, a Addition) (written int64, err error) {
	attached := slices.DeleteFunc(slices.Clone(a.More), func(s Signature) bool { return !s.Sigstore() })
	more := slices.DeleteFunc(slices.Clone(a.More), Signature.Sigstore)
	if len(more) > 0 {
		if err := h.written.add(a.Of, simple(a.Has), more); err != nil {
			return 0, err
		}
	}
	if len(attached) == 0 {
		return 0, nil
	}
	if a.From != nil && h.attachments && simple(a.Has) == len(a.Has) {
		a.More = attached
		return h.adopt(ctx, a)
	}
	return h.attach(ctx, a.Of, attached)
}
