package transport

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

// stuck answers with a head and one byte, and then stands still.
func stuck(t *testing.T) (host string) {
	t.Helper()
	over := make(chan struct{})
	host = registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-over:
		case <-req.Context().Done():
		}
	})
	t.Cleanup(func() { close(over) }) // before the server's own
	return host
}

func TestAnAnswerThatStandsStillIsAFailureOfTheNetwork(t *testing.T) {
	t.Parallel()
	s, _ := newSession(t, func(o *Options) { o.Retries = -1 })
	s.transport.stall = 50 * time.Millisecond

	_, err := source(t, s, stuck(t)+"/a", plainly).Tags(t.Context())

	requireFault(t, err, fault.Network, "no byte has moved")
}

func TestABlobThatStandsStillBreaks(t *testing.T) {
	t.Parallel()
	s, _ := newSession(t)
	s.transport.stall = 50 * time.Millisecond
	r := source(t, s, stuck(t)+"/a", plainly)

	body, err := r.Blob(t.Context(), "b")
	require.NoError(t, err)
	defer body.Close()
	content, err := io.ReadAll(body)

	require.Equal(t, "{", string(content))
	requireFault(t, r.Failure(t.Context(), err, "reading"), fault.Network, "/v2/a/blobs/b: no byte has moved")
}

func TestAnUploadThatNobodyReadsIsAFailureOfTheNetwork(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	host := registrytest.Serve(t, func(http.ResponseWriter, *http.Request) { <-over })
	t.Cleanup(func() { close(over) }) // before the server's own
	s, _ := newSession(t)
	s.transport.stall = 100 * time.Millisecond
	const much = 64 << 20 // bytes, more than the kernel takes in for a server

	err := destination(t, s, host+"/a", plainly).Upload(t.Context(), io.LimitReader(zeros{}, much))

	requireFault(t, err, fault.Network, "uploading blob", "no byte has moved")
}

// zeros is read without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
