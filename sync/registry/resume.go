package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
)

// resumable is the body of a blob that goes on where its connection broke, by
// range requests (OCI distribution 1.1, "Pulling Blobs").
type resumable struct {
	*heldBody
	endpoint *endpoint
	request  *http.Request
	blob     v1.Descriptor
	offset   int64
	left     int // further attempts
}

func newResumable(e *endpoint, req *http.Request, resp *http.Response, d v1.Descriptor) *resumable {
	return &resumable{resp.Body.(*heldBody), e, req, d, 0, e.host.client.options.Retries}
}

func (r *resumable) Read(p []byte) (int, error) {
	n, err := r.heldBody.Read(p)
	r.offset += int64(n)
	if err == nil || errors.Is(err, io.EOF) && (r.blob.Size < 0 || r.offset >= r.blob.Size) {
		return n, err
	}
	ctx := r.request.Context()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if ctx.Err() == nil && r.left > 0 && r.resume(err) {
		return n, nil
	}
	err = newTransportError(r.request, err)
	return n, r.endpoint.host.failure(ctx, err, "reading blob %s in %s", r.blob.Digest, r.endpoint.name())
}

// resume asks for the rest, without giving up the place among the reads.
func (r *resumable) resume(cause error) bool {
	r.left--
	logrus.WithError(cause).Warnf("blob %s in %s: going on at byte %d", r.blob.Digest, r.endpoint.name(), r.offset)
	_ = r.ReadCloser.Close()
	if r.endpoint.host.client.wait(r.request.Context(), r.endpoint.host.delay(nil, 0)) != nil {
		return false
	}
	req := r.request.Clone(r.request.Context())
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.offset))
	resp, err := refused(r.endpoint.host.persist(req, r.endpoint.exchange))
	if err != nil {
		return false
	}
	rest := fmt.Sprintf("bytes %d-", r.offset)
	if resp.StatusCode != http.StatusPartialContent || !strings.HasPrefix(resp.Header.Get("Content-Range"), rest) {
		_ = resp.Body.Close()
		return false
	}
	r.ReadCloser = resp.Body
	return true
}
