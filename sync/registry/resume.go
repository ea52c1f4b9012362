package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/log"
)

// resumable is the body of a blob that goes on where its connection broke, by
// range requests (OCI distribution 1.1, "Pulling Blobs"), as often as it takes
// while each brings something.
type resumable struct {
	opened   io.Closer     // the first answer's body, with its place among the reads
	body     io.ReadCloser // that of the last
	endpoint *endpoint
	request  *http.Request
	blob     v1.Descriptor
	offset   int64
	attempts int // to go on, since the last byte came
	ended    bool
}

func newResumable(e *endpoint, req *http.Request, resp *http.Response, d v1.Descriptor) *resumable {
	return &resumable{opened: resp.Body, body: resp.Body, endpoint: e, request: req, blob: d}
}

func (r *resumable) Read(p []byte) (int, error) {
	if r.ended {
		return 0, io.EOF
	}
	n, err := r.body.Read(p)
	r.offset += int64(n)
	if n > 0 {
		r.attempts = 0
	}
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) && (r.blob.Size < 0 || r.offset >= r.blob.Size) {
		r.ended = true
		_ = r.Close() // who has read it may have to wait for others that want to read
		return n, err
	}
	ctx := r.request.Context()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if ctx.Err() == nil && r.resume(err) {
		return n, nil
	}
	return n, r.endpoint.Failure(ctx, err, "reading blob %s in %s", r.blob.Digest, r.endpoint.Name())
}

// resume asks for the rest, without giving up the place among the reads.
func (r *resumable) resume(cause error) bool {
	req := r.request.Clone(r.request.Context())
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.offset))
	resp, err := r.endpoint.Resume(req, r.attempts, cause)
	r.attempts++
	if err != nil {
		return false
	}
	rest := fmt.Sprintf("bytes %d-", r.offset)
	if resp.StatusCode != http.StatusPartialContent || !strings.HasPrefix(resp.Header.Get("Content-Range"), rest) {
		_ = resp.Body.Close()
		return false
	}
	log.From(req.Context()).WithError(cause).Warnf("blob %s in %s: going on at byte %d", r.blob.Digest, r.endpoint.Name(), r.offset)
	r.leave()
	r.body = resp.Body
	return true
}

// leave closes the last answer, but for the first, which holds the place.
func (r *resumable) leave() {
	if r.body != r.opened {
		_ = r.body.Close()
	}
}

func (r *resumable) Close() error {
	r.leave()
	return r.opened.Close()
}
