package run

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/report"
)

// batch is the steps that bring one source image to its destinations, together
// so that each of its blobs is read once for all of them. Every chain is a step
// and those that need it.
type batch struct {
	chains [][]*plan.Step
	shelf  *spools
	// original reads the source image, once for all chains.
	original func() (*image.Original, error)
	// confirmed is the manifest of an image that only gets further tags.
	confirmed registry.Manifest

	mu     sync.Mutex
	joined map[digest.Digest]*spool
	broken []joinedSpool // replaced by another, and perhaps still being read
}

type joinedSpool struct {
	digest digest.Digest
	spool  *spool
}

// batches puts the chains of the same image together, in the order of the plan.
func batches(steps []*plan.Step, shelf *spools) []*batch {
	index := map[string]*batch{}
	var all []*batch
	for _, c := range chain(steps) {
		key := sourceKey(c[0])
		b := index[key]
		if b == nil || key == "" {
			b = &batch{shelf: shelf, joined: map[digest.Digest]*spool{}}
			index[key] = b
			all = append(all, b)
		}
		b.chains = append(b.chains, c)
	}
	return all
}

// sourceKey is equal for steps that copy the same bytes from a registry.
func sourceKey(step *plan.Step) string {
	_, read := step.Source.Remote()
	_, written := step.Destination.Remote()
	if step.Action != report.Copy || !read || !written {
		return ""
	}
	return step.Result.Source + " " + step.SourceDigest.String() + " " + step.Wanted.String() + step.Selection.Key()
}

// several reports whether the batch writes to more than one registry.
func (b *batch) several() bool {
	first, _ := b.chains[0][0].Destination.Remote() // all or none are in registries
	return slices.ContainsFunc(b.chains, func(chain []*plan.Step) bool {
		other, ok := chain[0].Destination.Remote()
		return ok && !first.SameRegistry(other.Repository)
	})
}

// open reads a blob that no other registry of the batch needs, or joins the
// reading of one that others do. read counts the bytes that come from the
// source.
func (b *batch) open(ctx context.Context, blob image.Blob, read func(n int64)) (io.ReadCloser, error) {
	if blob.Held {
		return blob.Open(ctx)
	}
	if !b.several() {
		body, err := blob.Open(ctx)
		if err != nil {
			return nil, err
		}
		return countedBlob(body, blob, read), nil
	}
	s, err := b.join(blob, read)
	if err != nil {
		return nil, err
	}
	return s.reader(ctx)
}

// join is the spool of a blob, which the batch leaves when it ends.
func (b *batch) join(blob image.Blob, read func(n int64)) (*spool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	there := b.joined[blob.Digest]
	if there != nil && !there.failed() {
		return there, nil
	}
	s, err := b.shelf.join(blob, read)
	if err != nil {
		return nil, err
	}
	b.joined[blob.Digest] = s
	if there != nil {
		b.broken = append(b.broken, joinedSpool{blob.Digest, there})
	}
	return s, nil
}

// close gives back what the batch has read, and forgets its manifests: there may
// be many batches, and they stay until the run has ended.
func (b *batch) close() {
	b.original, b.confirmed = nil, registry.Manifest{}
	for d, s := range b.joined {
		b.shelf.leave(d, s)
	}
	for _, replaced := range b.broken {
		b.shelf.leave(replaced.digest, replaced.spool)
	}
}

// countedBlob checks a blob, and counts what is read of it. What is kept from
// another run comes from no source.
func countedBlob(body io.ReadCloser, blob image.Blob, read func(n int64)) io.ReadCloser {
	if _, kept := body.(interface{ Kept() }); kept {
		read = func(int64) {}
	}
	return &counted{Reader: registry.Verify(body, blob.Descriptor), Closer: body, count: read}
}

// counted counts what is read.
type counted struct {
	io.Reader
	io.Closer
	count func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.count(int64(n))
	return n, err
}
