package trust

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"csync/sync/fault"
)

// lookaside keeps simple signatures beside a registry, each in a file of its own
// (containers/image's signature-protocols.md, "The lookaside").
type lookaside struct {
	base  *url.URL // of a repository
	fetch fetch
}

// fetch reads at most limit bytes at a URL. The error has the kind not-found
// where nothing is there.
type fetch = func(ctx context.Context, at *url.URL, limit int64) ([]byte, error)

// possible reports whether there may be signatures of the repository: a
// directory may have those of others only, or not exist.
func (l lookaside) possible() bool {
	if l.base.Scheme != "file" {
		return true
	}
	kept, err := filepath.Glob(escape(l.base.Path) + "@*")
	return err != nil || len(kept) > 0
}

// escape keeps a path from being a pattern, filepath.Match.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// at is where the signature with that index is.
func (l lookaside) at(of digest.Digest, index int) (*url.URL, error) {
	if err := of.Validate(); err != nil { // it becomes a part of a path
		return nil, fault.New(fault.Unsupported, fmt.Errorf("digest %q: %w", of, err))
	}
	at := *l.base
	at.Path = fmt.Sprintf("%s@%s=%s/signature-%d", at.Path, of.Algorithm(), of.Encoded(), index+1)
	return &at, nil
}

// signatures reads until there are no more. They have to be asked for one by
// one: those that are expected, and the one behind them, are at the same time.
func (l lookaside) signatures(ctx context.Context, of digest.Digest, expected int) ([]Signature, error) {
	var all []Signature
	for {
		some := make([]Signature, max(expected-len(all), 0)+1)
		group, ctx := errgroup.WithContext(ctx)
		for i := range some {
			group.Go(func() (err error) {
				some[i], err = l.signature(ctx, of, len(all)+i)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		for _, s := range some {
			if s == nil {
				return all, nil
			}
			all = append(all, s)
		}
		if len(all) >= maxSignatures {
			return nil, fault.New(fault.Unsupported, fmt.Errorf("the lookaside has %d signatures of %s, which is unreasonable", len(all), of))
		}
	}
}

// signature reads one, or returns nil where there is none.
func (l lookaside) signature(ctx context.Context, of digest.Digest, index int) (Signature, error) {
	at, err := l.at(of, index)
	if err != nil {
		return nil, err
	}
	var content []byte
	switch at.Scheme {
	case "file":
		content, err = os.ReadFile(at.Path)
	case "http", "https":
		content, err = l.fetch(ctx, at, maxSignature)
	default:
		err = fault.New(fault.Unsupported, fmt.Errorf("a lookaside cannot be read by %q", at.Scheme))
	}
	if errors.Is(err, os.ErrNotExist) || fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading signature %s: %w", at.Redacted(), err)
	}
	return parse(content)
}

// add writes signatures behind those that are there.
func (l lookaside) add(of digest.Digest, before int, signatures []Signature) error {
	if l.base.Scheme != "file" {
		return fault.WithRemedy(fault.Unsupported, fmt.Errorf("signatures cannot be written to the lookaside %s", l.base.Redacted()),
			"name a directory as lookaside-staging in registries.d, or use --remove-signatures")
	}
	for i, signature := range signatures {
		at, err := l.at(of, before+i)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(at.Path), 0o755); err != nil {
			return fmt.Errorf("writing signature: %w", err)
		}
		if err := writeFile(at.Path, signature); err != nil {
			return fmt.Errorf("writing signature: %w", err)
		}
	}
	return nil
}

// writeFile gives a file its name when it is complete: a half signature would
// hide those behind it.
func writeFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".csync-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
