package registry

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"sync/atomic"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/registry/transport"
)

// MaxSingle is up to how many bytes a blob is worth [Repository.Push]: it is held
// in memory, and may have to be sent twice.
const MaxSingle = 64 << 10

// single is whether a registry takes a blob with the request that starts its
// upload (OCI distribution 1.1, "Single POST"), which it need not.
type single struct{ state atomic.Int32 }

const (
	singleUnknown int32 = iota
	singleAsked         // one blob finds out
	singleTaken
	singleRefused
)

// worthwhile reports whether a blob may be sent like that, and whether it is the
// one that finds out.
func (s *single) worthwhile() (yes, first bool) {
	first = s.state.CompareAndSwap(singleUnknown, singleAsked)
	return first || s.state.Load() == singleTaken, first
}

func (s *single) settle(state int32) { s.state.CompareAndSwap(singleAsked, state) }

// Push writes the blob that d describes in one request, if the registry takes
// that; the first blob of a run finds out. If it does not, nothing is done and
// pushed is false. read gives the blob's bytes, which have been checked; its
// errors are returned as they are.
func (r *Repository) Push(ctx context.Context, d v1.Descriptor, read func() ([]byte, error)) (pushed bool, err error) {
	e := r.primary
	yes, first := e.found.single.worthwhile()
	if !yes {
		return false, nil
	}
	defer e.found.single.settle(singleUnknown) // if nothing else was found out
	content, err := read()
	if err != nil {
		return false, err
	}
	upload, err := e.pushSingle(e.writing(ctx), d, content, first)
	if err == nil && upload == nil && first {
		upload, err = r.believe(ctx, d)
	}
	switch {
	case err == nil && upload == nil:
		e.found.single.settle(singleTaken)
		return true, nil
	case err == nil:
		e.found.single.settle(singleRefused)
		if upload.push(ctx, d, content) == nil {
			return true, nil
		}
		// The session may have kept what came with the request that opened it.
	case refusal(err) || first && broke(err):
		e.found.single.settle(singleRefused)
	case !first:
		return false, e.Failure(ctx, err, "uploading blob %s to %s", d.Digest, e.Name())
	}
	if upload, err = r.StartUpload(ctx); err != nil {
		return false, err
	}
	return true, upload.push(ctx, d, content)
}

// broke reports whether a request was too much for the registry.
func broke(err error) bool {
	return transport.Status(err) >= http.StatusInternalServerError
}

// push finishes the upload, or gives its session back.
func (u *Upload) push(ctx context.Context, d v1.Descriptor, content []byte) error {
	err := u.Finish(ctx, d, bytes.NewReader(content))
	if err != nil {
		u.Abandon(ctx)
	}
	return err
}

// pushSingle sends the blob with a POST. The Upload is not nil where the registry
// has not taken it, but opened a session for it. probe does not repeat the
// request.
func (e *endpoint) pushSingle(ctx context.Context, d v1.Descriptor, content []byte, probe bool) (*Upload, error) {
	req, err := e.Request(ctx, http.MethodPost, "blobs/uploads/", bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = url.Values{"digest": {d.Digest.String()}}.Encode()
	req.Header.Set("Content-Type", "application/octet-stream")
	if probe {
		return e.session(e.SendOnce(req, maxListing))
	}
	return e.session(e.Send(req, maxListing))
}

// believe asks for the first blob that a registry says it has taken: the
// request is so rare that it may mean something else by its answer.
func (r *Repository) believe(ctx context.Context, d v1.Descriptor) (*Upload, error) {
	if _, has, err := r.HasBlob(ctx, d.Digest); err == nil && has {
		return nil, nil
	}
	return r.StartUpload(ctx)
}
