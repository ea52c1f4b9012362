package registry

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
)

// Blob opens a blob; d.Size may be -1 where it is not known: then it has at most
// as many bytes as the registry says, and 4 GiB if it does not. A connection that
// breaks is taken up again where it broke, if the registry can. The bytes are
// not checked, see [Verify].
//
// Until it is closed, or read to its end, the blob is one of the requests that
// [transport.Options.MaxRequests] limits: do not wait for another read of the same
// registry in between.
func (r *Repository) Blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	return read(ctx, r.byDigest, func(e *endpoint) (io.ReadCloser, error) {
		body, err := e.blob(e.reading(ctx), d)
		if err != nil {
			return nil, e.Failure(ctx, err, "reading blob %s in %s", d.Digest, e.Name())
		}
		return body, nil
	})
}

func (e *endpoint) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, unsupported("%q: %w", d.Digest, err)
	}
	req, err := e.Request(ctx, http.MethodGet, "blobs/"+d.Digest.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.openBlob(req, d)
	if absent(err) || fault.Is(err, fault.DigestMismatch) {
		// A manifest has named it, so one of the registry's servers may only be behind.
		resp, err = e.openBlob(req, d)
	}
	if err != nil {
		return nil, err
	}
	body := newResumable(e, req, resp, d)
	switch {
	case d.Size >= 0: // who reads it checks its size
		return body, nil
	case resp.ContentLength >= 0:
		return &limited{body, resp.ContentLength}, nil
	}
	return &limited{body, maxUnsized}, nil
}

// openBlob gives an answer that has the blob's size, as far as it says one.
func (e *endpoint) openBlob(req *http.Request, d v1.Descriptor) (*http.Response, error) {
	resp, err := e.Open(req)
	if err != nil {
		return nil, err
	}
	if d.Size >= 0 && resp.ContentLength >= 0 && d.Size != resp.ContentLength {
		_ = resp.Body.Close()
		return nil, mismatch("registry has %d bytes of it instead of %d", resp.ContentLength, d.Size)
	}
	return resp, nil
}

// maxUnsized bounds a blob whose size neither its manifest nor the registry says.
const maxUnsized = 4 << 30

// limited fails where there is more than left.
type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, unsupported("the blob has more bytes than the registry says, or more than %d of unknown size", int64(maxUnsized))
	}
	return n, err
}

// HasBlob reports whether the repository has a blob, and its size in bytes, -1
// where the registry does not say.
func (r *Repository) HasBlob(ctx context.Context, d digest.Digest) (int64, bool, error) {
	type found struct {
		size int64
		is   bool
	}
	f, err := read(ctx, r.byDigest, func(e *endpoint) (found, error) {
		req, err := e.Request(e.reading(ctx), http.MethodHead, "blobs/"+d.String(), nil)
		if err != nil {
			return found{}, err
		}
		resp, err := e.Send(req, maxListing)
		if absent(err) && e == r.primary {
			return found{}, nil
		}
		if err != nil {
			return found{}, e.Failure(ctx, err, "looking for blob %s in %s", d, e.Name())
		}
		return found{resp.ContentLength, true}, nil
	})
	return f.size, f.is, err
}

// Verify reads from r and fails with a digest mismatch if that is not what d
// describes. It withholds the end of wrong content, so that a copy of it is
// never complete. d.Size may be -1 where it is not known.
func Verify(r io.Reader, d v1.Descriptor) io.Reader {
	if err := d.Digest.Validate(); err != nil {
		return failing{unsupported("%q: %w", d.Digest, err)}
	}
	return &verifier{reader: r, expected: d, sum: d.Digest.Algorithm().Hash()}
}

type verifier struct {
	reader   io.Reader
	expected v1.Descriptor
	sum      hash.Hash
	size     int64
	checked  bool
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.reader.Read(p)
	v.size += int64(n)
	_, _ = v.sum.Write(p[:n]) // a hash never fails
	if v.checked && n == 0 || err != nil && !errors.Is(err, io.EOF) {
		return n, err
	}
	if errors.Is(err, io.EOF) || v.expected.Size >= 0 && v.size >= v.expected.Size {
		v.checked = true
		if wrong := v.check(); wrong != nil {
			return 0, wrong
		}
	}
	return n, err
}

func (v *verifier) check() error {
	if v.expected.Size >= 0 && v.size != v.expected.Size {
		return mismatch("blob %s has %s instead of %d bytes", v.expected.Digest, v.length(), v.expected.Size)
	}
	if actual := digest.NewDigest(v.expected.Digest.Algorithm(), v.sum); actual != v.expected.Digest {
		return mismatch("blob %s has digest %s", v.expected.Digest, actual)
	}
	return nil
}

func (v *verifier) length() string {
	if v.size > v.expected.Size {
		return "more"
	}
	return fmt.Sprint(v.size)
}

// failing is a reader that only fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
