package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"

	"csync/sync/fault"
	"csync/sync/registry/transport"
)

// Upload is a session in which one blob is written. It must be finished or
// abandoned.
type Upload struct {
	endpoint *endpoint
	location *url.URL
}

// Mount makes a blob of from, a repository of the same registry, be in r
// without moving it (OCI distribution 1.1, "Mounting a blob from another
// repository"). Where the registry does not, the Upload is not nil and takes
// the blob instead. Others are repositories that will be mounted from as well,
// so that one token does for all.
func (r *Repository) Mount(ctx context.Context, d digest.Digest, from *Repository, others ...*Repository) (*Upload, error) {
	e := r.primary
	scoped := e.writing(ctx)
	for _, other := range append(others, from) {
		scoped = auth.AppendRepositoryScope(scoped, other.primary.reference(), auth.ActionPull)
	}
	upload, err := e.post(scoped, url.Values{"mount": {d.String()}, "from": {from.primary.Path()}})
	if refusal(err) {
		return r.StartUpload(ctx)
	}
	if err != nil {
		return nil, e.Failure(ctx, err, "mounting blob %s from %s in %s", d, from.primary.Name(), e.Name())
	}
	return upload, nil
}

// refusal reports whether a mount was not to the registry's liking, which may
// still take the blob: it has no rights on the other repository, does not know
// mounts, or has lost the blob.
func refusal(err error) bool {
	status := transport.Status(err)
	return status != 0 && status < http.StatusInternalServerError && status != http.StatusTooManyRequests
}

// StartUpload opens a session for one blob (OCI distribution 1.1, "POST then
// PUT").
func (r *Repository) StartUpload(ctx context.Context) (*Upload, error) {
	e := r.primary
	upload, err := e.post(e.writing(ctx), nil)
	if err == nil && upload == nil {
		err = unsupported("registry answers that the blob is there before it was sent")
	}
	if err != nil {
		return nil, e.Failure(ctx, err, "starting an upload to %s", e.Name())
	}
	return upload, nil
}

// post gives the session that the registry opens, nil if it needs none.
func (e *endpoint) post(ctx context.Context, query url.Values) (*Upload, error) {
	req, err := e.Request(ctx, http.MethodPost, "blobs/uploads/", nil)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query.Encode()
	return e.session(e.Send(req, maxListing))
}

// session is what the answer to a POST has opened, nil if the blob is there.
func (e *endpoint) session(resp *http.Response, err error) (*Upload, error) {
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusCreated {
		return nil, nil
	}
	location, err := e.Location(resp)
	if err != nil {
		return nil, err
	}
	return &Upload{e, location}, nil
}

// Finish writes the blob that d describes from body in one request, chunked if
// d.Size is -1. It is not repeated, since body can be read but once: who can
// read it again starts another Upload. When Finish returns, body is not read
// any more; it is not closed.
func (u *Upload) Finish(ctx context.Context, d v1.Descriptor, body io.Reader) error {
	e := u.endpoint
	content := &uploadBody{reader: body}
	err := u.put(e.writing(ctx), d, content)
	if broke := content.stop(); broke != nil {
		err = broke
	} else if forgotten(err) || transport.Status(err) == http.StatusUnauthorized {
		err = &lapsedError{err}
	}
	if err != nil {
		return e.Failure(ctx, err, "uploading blob %s to %s", d.Digest, e.Name())
	}
	return nil
}

// lapsedError says that a session which the registry had opened is unknown to
// it, or its token no longer accepted.
type lapsedError struct{ error }

func (e *lapsedError) Unwrap() error { return e.error }

// Lapsed reports whether [Upload.Finish] failed because the registry no longer
// knew what it had granted: another Upload, with another token, may do.
func Lapsed(err error) bool {
	_, lapsed := errors.AsType[*lapsedError](err)
	return lapsed
}

const uploadUnknown = "BLOB_UPLOAD_UNKNOWN"

// forgotten reports whether the registry does not know a session.
func forgotten(err error) bool { return absent(err) || transport.HasCode(err, uploadUnknown) }

func (u *Upload) put(ctx context.Context, d v1.Descriptor, content *uploadBody) error {
	location := *u.location
	query := "digest=" + url.QueryEscape(d.Digest.String())
	if location.RawQuery != "" { // which is the registry's, to be left as it is
		query = location.RawQuery + "&" + query
	}
	location.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, location.String(), content)
	if err != nil {
		return err
	}
	req.ContentLength = d.Size
	if d.Size == 0 {
		req.Body = http.NoBody // anything else means that the length is not known
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := u.endpoint.Send(req, maxListing)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		return unsupported("registry answers %s instead of 201 Created", resp.Status)
	}
	return nil
}

// abandonTimeout is what a run that was interrupted spends on leaving nothing
// behind.
const abandonTimeout = 5 * time.Second

// Abandon ends the session without a blob, also after an interruption. That it
// cannot be done is not worth a word, because registries drop old sessions by
// themselves.
func (u *Upload) Abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	for range abandonAttempts {
		status, err := u.send(ctx, http.MethodGet)
		if transport.HasCode(err, uploadUnknown) {
			return
		}
		if err == nil {
			u.move(status)
		}
		_, err = u.send(ctx, http.MethodDelete)
		if transport.Status(err) != http.StatusRequestedRangeNotSatisfiable {
			return
		}
	}
}

// abandonAttempts is how often a session is given back whose registry may still
// be writing what it was sent: distribution 3 takes only a Location that has its
// size in it, which is that of its status.
const abandonAttempts = 3

// move takes note of where the session now is, if the registry says so.
func (u *Upload) move(status *http.Response) {
	if location, err := u.endpoint.Location(status); err == nil {
		u.location = location
	}
}

// send sends a request of the session that has no body.
func (u *Upload) send(ctx context.Context, method string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(u.endpoint.writing(ctx), method, u.location.String(), nil)
	if err != nil {
		return nil, err
	}
	return u.endpoint.Send(req, maxListing)
}

// uploadBody lends a reader to a request, whose transport may go on reading
// after there is an answer.
type uploadBody struct {
	mu      sync.Mutex
	reader  io.Reader
	broken  error // why reading ended early
	stopped bool
}

func (b *uploadBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return 0, fault.New(fault.Cancelled, errors.New("the upload has ended"))
	}
	n, err := b.reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.broken = err
	}
	return n, err
}

// stop ends the loan and gives the error that the reader had.
func (b *uploadBody) stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	return b.broken
}
