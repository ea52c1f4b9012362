package run

import (
	"context"
	"io"
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
	chains    [][]*plan.Step
	directory string        // for spools
	finished  chan struct{} // closed when all chains are done
	// start runs a pump on behalf of all chains, until the batch ends.
	start func(pump func(ctx context.Context))
	// original reads the source image, once for all chains.
	original func() (*image.Original, error)

	mu     sync.Mutex
	spools map[digest.Digest]*spool
}

// batches puts the chains of the same image together, in the order of the plan.
func batches(steps []*plan.Step, directory string) []*batch {
	index := map[string]*batch{}
	var all []*batch
	for _, c := range chain(steps) {
		key := sourceKey(c[0])
		b := index[key]
		if b == nil || key == "" {
			b = &batch{directory: directory, finished: make(chan struct{}), spools: map[digest.Digest]*spool{}}
			index[key] = b
			all = append(all, b)
		}
		b.chains = append(b.chains, c)
	}
	return all
}

// sourceKey is equal for steps that copy the same bytes from a registry.
func sourceKey(step *plan.Step) string {
	if step.Result.Action != report.Copy || step.Source.Repository == nil || step.Destination.Repository == nil {
		return ""
	}
	return step.Result.Source + " " + step.Result.SourceDigest.String() + " " + step.Wanted.Digest.String()
}

// several reports whether the batch writes to more than one registry.
func (b *batch) several() bool {
	var first *registry.Repository
	for _, chain := range b.chains {
		repository := chain[0].Destination.Repository
		if repository == nil {
			continue
		}
		if first != nil && !first.SameRegistry(repository) {
			return true
		}
		first = repository
	}
	return false
}

// open reads a blob that no other registry of the batch needs, or joins the
// reading of one that others do. read counts the bytes that come from the
// source.
func (b *batch) open(ctx context.Context, blob image.Blob, read func(n int64)) (io.ReadCloser, error) {
	if !b.several() || blob.Once {
		body, err := blob.Open(ctx)
		if err != nil {
			return nil, err
		}
		return &counted{Reader: registry.Verify(body, blob.Descriptor), Closer: body, count: read}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.spools[blob.Digest]; s != nil && !s.failed() {
		return s.reader(ctx), nil
	}
	s, err := newSpool(b.directory)
	if err != nil {
		return nil, err
	}
	b.spools[blob.Digest] = s
	b.start(func(ctx context.Context) { s.pump(ctx, blob, read) })
	return s.reader(ctx), nil
}

// pump reads the blob from its source into the spool. It outlives the step that
// began it, because the others need it too.
func (s *spool) pump(ctx context.Context, blob image.Blob, read func(n int64)) {
	body, err := blob.Open(ctx)
	if err != nil {
		s.end(err)
		return
	}
	defer body.Close()
	s.fill(&counted{Reader: registry.Verify(body, blob.Descriptor), Closer: body, count: read})
}

// over reports whether the batch has ended.
func (b *batch) over() bool {
	select {
	case <-b.finished:
		return true
	default:
		return false
	}
}

// close gives the files back, and lets others read what the batch has read.
func (b *batch) close() {
	for _, s := range b.spools {
		_ = s.file.Close() // it has no name any more
	}
	close(b.finished)
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
