package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// Request makes a request of the API, for a resource of the repository:
// "manifests/1.28".
func (e *Endpoint) Request(ctx context.Context, method, resource string, body io.Reader) (*http.Request, error) {
	return e.RequestAt(ctx, method, "/v2/"+e.path+"/"+resource, body)
}

// RequestAt makes a request for a path of the registry's host, which may have a
// query.
func (e *Endpoint) RequestAt(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, method, "https://"+e.host.address+path, body)
}

// Location is where the header of that name in resp leads, which must be on the
// host of the API.
func (e *Endpoint) Location(resp *http.Response) (*url.URL, error) {
	location, err := resp.Location()
	if errors.Is(err, http.ErrNoLocation) {
		return nil, unsupported("the answer has no Location")
	}
	if err != nil {
		return nil, unsupported("reading the Location of the answer: %w", err)
	}
	if location.Host == e.host.address || location.Hostname()+":443" == e.host.address || location.Host == e.host.address+":443" {
		location.Scheme, location.Host = resp.Request.URL.Scheme, e.host.address
		return location, nil
	}
	return nil, unsupported("refusing to upload to another host, %s", location.Host)
}

// whole is send with an answer of at most limit bytes read to its end.
func whole(send exchange, limit int64) exchange {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := send(req)
		if err != nil || resp.StatusCode >= http.StatusBadRequest {
			return resp, err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		_ = resp.Body.Close()
		if err != nil {
			return nil, newTransportError(resp.Request, err)
		}
		if int64(len(body)) > limit {
			return nil, unsupported("%s %s: the answer has more than %d bytes", req.Method, place(req.URL), limit)
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, nil
	}
}

// refused makes an error of an answer that is one.
func refused(resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, readAnswer(resp)
	}
	return resp, nil
}

// answerBody says in its errors which request it answers.
type answerBody struct {
	io.ReadCloser
	request *http.Request
}

func (b answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = newTransportError(b.request, err)
	}
	return n, err
}
