package registry

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestABlobThatStandsStillIsTakenUpAgainWhereItStood(t *testing.T) {
	t.Parallel()
	content := []byte("the whole of the blob")
	over, asked := make(chan struct{}), atomic.Int32{}
	t.Cleanup(func() { close(over) })
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Accept-Ranges", "bytes")
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", "21")
			_, _ = w.Write(content[:9])
			_ = http.NewResponseController(w).Flush()
			select {
			case <-over:
			case <-req.Context().Done():
			}
			return
		}
		require.Equal(t, "bytes=9-", req.Header.Get("Range")[:8])
		w.Header().Set("Content-Range", "bytes 9-20/21")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(content[9:])
	})
	c, _ := newClient(t)
	c.stall = 100 * time.Millisecond
	d := v1.Descriptor{Digest: digest.FromBytes(content), Size: int64(len(content))}

	body, err := source(t, c, host+"/a", plainly).Blob(t.Context(), d)
	require.NoError(t, err)
	defer body.Close()
	got, err := io.ReadAll(Verify(body, d))

	require.NoError(t, err)
	require.Equal(t, content, got)
}

func TestAnAnswerThatStandsStillIsAFailureOfTheNetwork(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", v1.MediaTypeImageManifest)
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-over:
		case <-req.Context().Done():
		}
	})
	c, _ := newClient(t, func(o *Options) { o.Retries = -1 })
	c.stall = 50 * time.Millisecond

	_, err := source(t, c, host+"/a", plainly).Manifest(t.Context(), "1")

	requireFault(t, err, fault.Network, "no byte has moved")
}

func TestAnUploadThatNobodyReadsIsAFailureOfTheNetwork(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			w.Header().Set("Location", "/upload")
			w.WriteHeader(http.StatusAccepted)
			return
		}
		<-over
	})
	t.Cleanup(func() { close(over) }) // before the server's own
	c, _ := newClient(t)
	c.stall = 100 * time.Millisecond
	upload, err := destination(t, c, host+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	const much = 64 << 20 // bytes, more than the kernel takes in for a server

	err = upload.Finish(t.Context(), v1.Descriptor{Digest: digest.FromString("much"), Size: much}, io.LimitReader(zeros{}, much))

	requireFault(t, err, fault.Network, "uploading blob", "no byte has moved")
}

// zeros is read without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
