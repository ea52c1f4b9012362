package run

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/image"
)

// spool holds a blob that is read once and written to several registries, each
// at its own pace. It is an unnamed file, so that a slow registry costs disk
// and page cache, and neither memory nor the time of the others.
type spool struct {
	file *os.File

	users  int                // batches that read it; guarded by spools.mu
	stop   context.CancelFunc // ends the pump
	opened chan struct{}      // closed when the source has been opened, or could not be
	pumped chan struct{}      // closed when the pump has ended

	mu     sync.Mutex
	more   sync.Cond // size or end has changed
	size   int64
	ended  bool
	broken error // why it ended early
}

// spools are the blobs that are on their way to several registries: each is
// read once for all images that want it at the same time.
type spools struct {
	directory string
	begin     func() (context.Context, context.CancelFunc) // of a pump, which outlives the step that starts it

	mu   sync.Mutex
	open map[digest.Digest]*spool
}

// join gives the spool of the blob, to be left again. A new one is filled from
// the blob's source; read counts the bytes.
func (s *spools) join(blob image.Blob, read func(n int64)) (*spool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if there := s.open[blob.Digest]; there != nil && !there.failed() {
		there.users++
		return there, nil
	}
	made, err := newSpool(s.directory)
	if err != nil {
		return nil, err
	}
	ctx, stop := s.begin()
	made.users, made.stop = 1, stop
	s.open[blob.Digest] = made
	go made.pump(ctx, blob, read)
	return made, nil
}

// leave gives up the spool; the last to do so ends its pump and gives the file
// back.
func (s *spools) leave(d digest.Digest, left *spool) {
	s.mu.Lock()
	left.users--
	last := left.users == 0
	if last && s.open[d] == left {
		delete(s.open, d)
	}
	s.mu.Unlock()
	if last {
		left.stop()
		<-left.pumped
		_ = left.file.Close() // it has no name any more
	}
}

// pump reads the blob from its source into the spool.
func (s *spool) pump(ctx context.Context, blob image.Blob, read func(n int64)) {
	defer close(s.pumped)
	body, err := blob.Open(ctx)
	if err != nil {
		s.end(err)
	}
	close(s.opened)
	if err != nil {
		return
	}
	defer body.Close()
	s.fill(countedBlob(body, blob, read))
}

func newSpool(directory string) (*spool, error) {
	file, err := os.CreateTemp(directory, "csync-blob-")
	if err != nil {
		return nil, fault.New(fault.Internal, fmt.Errorf("creating a temporary file: %w", err))
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, fault.New(fault.Internal, fmt.Errorf("creating a temporary file: %w", err))
	}
	s := &spool{file: file, opened: make(chan struct{}), pumped: make(chan struct{})}
	s.more.L = &s.mu
	return s, nil
}

// fill takes everything from body.
func (s *spool) fill(body io.Reader) {
	_, err := io.Copy(s, body)
	s.end(err)
}

// Write adds bytes for the readers.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	if err != nil {
		err = fault.New(fault.Internal, fmt.Errorf("writing a temporary file: %w", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size += int64(n)
	s.more.Broadcast()
	return n, err
}

// end says that there is no more, because of err unless that is nil.
func (s *spool) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.broken = true, err
	s.more.Broadcast()
}

// reader reads the blob from its beginning, waiting for what is still to come.
// There is none before the source is open: an upload that waits for its turn
// there would keep others from theirs, who may be those that have it.
func (s *spool) reader(ctx context.Context) (io.ReadCloser, error) {
	select {
	case <-s.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.more.Broadcast()
	})
	return &spoolReader{spool: s, ctx: ctx, stop: stop}, nil
}

type spoolReader struct {
	spool *spool
	ctx   context.Context // io.Reader has no other way to be given up
	stop  func() bool
	at    int64
}

func (r *spoolReader) Read(p []byte) (int, error) {
	available, err := r.wait()
	if err != nil {
		return 0, err
	}
	n, err := r.spool.file.ReadAt(p[:min(int64(len(p)), available)], r.at)
	r.at += int64(n)
	return n, err
}

// wait returns how many bytes there are to read, at least one.
func (r *spoolReader) wait() (int64, error) {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.size == r.at || s.broken != nil {
		switch {
		case r.ctx.Err() != nil:
			return 0, r.ctx.Err()
		case s.broken != nil: // what is there already is of no use
			return 0, s.broken
		case s.ended:
			return 0, io.EOF
		}
		s.more.Wait()
	}
	return s.size - r.at, nil
}

func (r *spoolReader) Close() error {
	r.stop()
	return nil
}

// failed reports whether it ended early, so that reading it again is of no use.
func (s *spool) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken != nil
}
