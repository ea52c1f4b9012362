package run

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
)

// forStep is the mover of one step. It remembers which blobs the step needs.
func (b *blobs) forStep(batch *batch, step *plan.Step) *stepBlobs {
	return &stepBlobs{blobs: b, batch: batch, step: step}
}

// stepBlobs is an image.Mover.
type stepBlobs struct {
	*blobs
	batch *batch
	step  *plan.Step
	tries atomic.Int64
}

var _ image.Mover = (*stepBlobs)(nil)

// attempts is how often the blob of the step that needed most tries was tried.
func (s *stepBlobs) attempts() int { return int(max(s.tries.Load(), 1)) }

// Move returns when the blob is in its destination repository.
func (s *stepBlobs) Move(ctx context.Context, blob image.Blob) error {
	key := s.use(s.step, blob, false)
	return s.once(ctx, key, blob, func(state claim) error {
		m := move{stepBlobs: s, blob: blob, key: key}
		if state == mountable {
			return m.mount(ctx)
		}
		return m.bring(ctx)
	})
}

// Read opens a blob that is needed here as well, from the spool where several
// registries need it.
func (s *stepBlobs) Read(ctx context.Context, blob image.Blob) (io.ReadCloser, error) {
	s.needs(s.step, blob.Digest)
	body, err := s.batch.open(ctx, blob, func(n int64) { s.got(blob.Digest, n) })
	return body, fault.At(fault.Source, s.step.Result.Source, err)
}

// Instance returns when the manifest is in its destination repository.
func (s *stepBlobs) Instance(ctx context.Context, manifest image.Blob, write func(context.Context) (bool, error)) error {
	key := s.use(s.step, manifest, true)
	return s.once(ctx, key, manifest, func(claim) error {
		written, err := write(ctx)
		if written && err == nil {
			s.wrote(key, manifest.Size)
		}
		return err
	})
}

// Push is Instance for the step's own manifest.
func (s *stepBlobs) Push(ctx context.Context, manifest image.Blob, write func(context.Context) error) error {
	s.mu.Lock()
	key := s.key(manifest, true)
	s.mu.Unlock()
	return s.once(ctx, key, manifest, func(claim) error { return write(ctx) })
}

// Found notes that the step needs what its repository has.
func (s *stepBlobs) Found(blob image.Blob, manifest bool) { s.use(s.step, blob, manifest) }

// once has bring put the blob where it is needed, unless it is there, or another
// step is just doing so: then it waits for that, and looks again.
func (s *stepBlobs) once(ctx context.Context, key blobKey, blob image.Blob, bring func(claim) error) error {
	for {
		state, wait := s.claim(key, blob)
		if state == there {
			return nil
		}
		if wait == nil {
			err := bring(state)
			s.settle(key, blob, state, err)
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// move is one blob being brought to one repository.
type move struct {
	*stepBlobs
	blob image.Blob
	key  blobKey
}

// bring uploads the blob, unless the repository has it or its own registry can
// mount it from the source.
func (m move) bring(ctx context.Context) error {
	if !m.blob.Fresh {
		if _, has, err := m.blob.Destination.HasBlob(ctx, m.blob.Digest); err == nil && has {
			return nil
		}
	}
	if m.blob.Source != nil && m.blob.Source.SameRegistry(m.blob.Destination) {
		return m.take(ctx, m.blob.Source)
	}
	return m.upload(ctx, nil)
}

// mount takes the blob from another repository of the destination registry.
func (m move) mount(ctx context.Context) error {
	from, hubs := m.mountFrom(m.key)
	return m.take(ctx, from, hubs...)
}

// take asks for the mount without asking first whether it can be done: a
// registry that refuses has opened an upload instead (OCI distribution 1.1
// §Mounting a blob from another repository).
func (m move) take(ctx context.Context, from *registry.Repository, hubs ...*registry.Repository) error {
	upload, err := m.blob.Destination.Mount(ctx, m.blob.Digest, from, hubs...)
	if err != nil {
		return m.atDestination(err)
	}
	if upload == nil {
		return nil
	}
	return m.upload(ctx, upload)
}

// upload copies the bytes, again after a failure that may pass. upload, if not nil, is a session that is open already.
func (m move) upload(ctx context.Context, upload *registry.Upload) error {
	for attempt := 1; ; attempt++ {
		m.tried(attempt)
		err := m.try(ctx, upload)
		if err == nil || attempt >= m.blobs.attempts || ctx.Err() != nil || !passing(err) {
			return err
		}
		upload = nil
	}
}

// passing reports whether the same blob may get through on the next attempt.
// Bytes that are not those of the digest may have been changed on their way.
func passing(err error) bool {
	switch fault.KindOf(err) {
	case fault.Network, fault.RateLimited, fault.DigestMismatch:
		return true
	}
	return registry.Lapsed(err)
}

func (m move) tried(attempt int) {
	for {
		most := m.tries.Load()
		if int64(attempt) <= most || m.tries.CompareAndSwap(most, int64(attempt)) {
			return
		}
	}
}

// small reports whether a blob may be worth one request instead of two.
func (m move) small() bool { return m.blob.Size >= 0 && m.blob.Size <= registry.MaxSingle }

// push sends a small blob with one request, where its registry takes that.
func (m move) push(ctx context.Context) (pushed bool, err error) {
	pushed, err = m.blob.Destination.Push(ctx, m.blob.Descriptor, func() ([]byte, error) {
		body, err := m.batch.open(ctx, m.blob, func(n int64) { m.got(m.blob.Digest, n) })
		if err != nil {
			return nil, m.atSource(err)
		}
		defer body.Close()
		add, done := m.progress.Moving(m.blob.Digest.String(), m.blob.Size)
		defer done()
		content, err := io.ReadAll(&wire{Reader: body, add: add})
		if err != nil {
			return nil, m.atSource(fmt.Errorf("reading blob %s: %w", m.blob.Digest, err))
		}
		return content, nil
	})
	if pushed {
		m.wrote(m.key, m.blob.Size)
	}
	return pushed, m.atDestination(err)
}

// try opens both ends at the same time and streams one into the other, unless
// the blob is small enough for less. The upload is completed only by a body with
// the right bytes.
func (m move) try(ctx context.Context, upload *registry.Upload) error {
	if upload == nil && m.small() {
		if pushed, err := m.push(ctx); pushed || err != nil {
			return err
		}
	}
	var body io.ReadCloser
	var group errgroup.Group
	group.Go(func() (err error) {
		body, err = m.batch.open(ctx, m.blob, func(n int64) { m.got(m.blob.Digest, n) })
		return m.atSource(err)
	})
	if upload == nil {
		group.Go(func() (err error) {
			upload, err = m.blob.Destination.StartUpload(ctx)
			return m.atDestination(err)
		})
	}
	err := group.Wait()
	if body != nil {
		defer body.Close()
	}
	if err != nil {
		return m.abandon(ctx, upload, err)
	}
	add, done := m.progress.Moving(m.blob.Digest.String(), m.blob.Size)
	defer done()
	source := &wire{Reader: body, add: add}
	err = upload.Finish(ctx, m.blob.Descriptor, source)
	m.wrote(m.key, source.bytes.Load())
	if err == nil {
		return nil
	}
	if source.err != nil {
		err = m.atSource(fmt.Errorf("reading blob %s: %w", m.blob.Digest, source.err))
	}
	return m.abandon(ctx, upload, m.atDestination(err))
}

// abandon gives the session back.
func (m move) abandon(ctx context.Context, upload *registry.Upload, err error) error {
	if upload != nil {
		upload.Abandon(ctx)
	}
	return err
}

func (m move) atSource(err error) error {
	return fault.At(fault.Source, m.step.Result.Source, err)
}

func (m move) atDestination(err error) error {
	return fault.At(fault.Destination, m.step.Result.Destination, err)
}

// wire counts what passes, and keeps the error that ended it.
type wire struct {
	io.Reader
	add   func(int64)
	bytes atomic.Int64
	err   error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.bytes.Add(int64(n))
	w.add(int64(n))
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
