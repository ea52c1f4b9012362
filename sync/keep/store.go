package keep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/layout"
	"csync/sync/log"
	"csync/sync/registry"
)

// Directory is the name of the layout below the directory that a user names.
// Nothing else there is ever touched.
const Directory = "csync-kept"

// Store is what is kept. It is one run's at a time, and safe for concurrent use.
type Store struct {
	*layout.Layout
	locked *os.File
}

// Open opens the store below a directory, which need not exist. The error has the
// kind conflict while another run has it open.
func Open(directory string) (*Store, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("making the directory for what is kept: %w", err))
	}
	locked, err := os.Open(directory)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("opening the directory for what is kept: %w", err))
	}
	if err := unix.Flock(int(locked.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fault.WithRemedy(fault.Conflict, fmt.Errorf("another run keeps images in %s", directory),
			"wait for its end, or name another with keep-directory"), locked.Close())
	}
	return &Store{layout.Directory(filepath.Join(directory, Directory)), locked}, nil
}

// Close lets other runs have the store.
func (s *Store) Close() error { return s.locked.Close() }

// Before is a source of which everything that is kept is read here, and everything
// else is kept on its way.
func (s *Store) Before(source content.Source) content.Source { return &before{s, source} }

type before struct {
	store *Store
	content.Source
}

// Manifest reads a manifest that is named by its digest here, if that is kept.
func (b *before) Manifest(ctx context.Context, identifier string) (registry.Manifest, error) {
	kept := b.store.Repository("")
	if digest.Digest(identifier).Validate() == nil {
		if m, err := kept.Manifest(ctx, identifier); err == nil {
			return m, nil
		}
	}
	m, err := b.Source.Manifest(ctx, identifier)
	if err != nil {
		return m, err
	}
	b.store.Keep(ctx, m)
	return m, nil
}

// Keep keeps a manifest that has been read without asking the store.
func (s *Store) Keep(ctx context.Context, m registry.Manifest) {
	if s.Has(m.Descriptor) {
		return
	}
	if err := s.PutBlob(ctx, m.Descriptor, bytes.NewReader(m.Bytes)); err != nil {
		log.From(ctx).Debugf("keeping manifest %s: %v", m.Digest, err)
	}
}

// Blob opens a blob here, if it is kept and its bytes are right.
func (b *before) Blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if b.store.checked(ctx, d) {
		body, err := b.store.Blob(ctx, d)
		if err == nil {
			return keptBlob{body}, nil
		}
	}
	body, err := b.Source.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	incoming, err := b.store.Create(d)
	if err != nil {
		log.From(ctx).Debugf("keeping blob %s: %v", d.Digest, err)
		return body, nil
	}
	return &passing{ReadCloser: body, incoming: incoming}, nil
}

// checked reports whether a blob is kept with the right bytes; wrong ones are not
// kept any longer.
func (s *Store) checked(ctx context.Context, d v1.Descriptor) bool {
	if !s.Has(d) {
		return false
	}
	body, err := s.Blob(ctx, d)
	if err != nil {
		return false
	}
	defer body.Close()
	if _, err = io.Copy(io.Discard, registry.Verify(body, d)); err != nil {
		log.From(ctx).Warnf("what is kept of blob %s is read from its source again: %v", d.Digest, err)
	}
	return err == nil
}

// keptBlob is a blob that comes from no source.
type keptBlob struct{ io.ReadCloser }

// Kept tells it from others.
func (keptBlob) Kept() {}

// passing is a blob that is kept on its way. That it cannot be is no failure.
type passing struct {
	io.ReadCloser
	incoming *layout.Incoming
	broken   bool
}

func (p *passing) Read(to []byte) (int, error) {
	n, err := p.ReadCloser.Read(to)
	if !p.broken && n > 0 {
		_, broken := p.incoming.Write(to[:n])
		p.broken = broken != nil
	}
	return n, err
}

func (p *passing) Close() error {
	_ = p.incoming.Close() // then it is not kept
	return p.ReadCloser.Close()
}
