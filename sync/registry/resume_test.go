package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func TestBlobGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	const content = "0123456789"
	var ranges []string
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		ranges = append(ranges, req.Header.Get("Range"))
		if len(ranges) == 1 {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, content[:4])
			return
		}
		http.ServeContent(w, req, "", time.Time{}, strings.NewReader(content))
	})
	c := newClient(t, func(o *transport.Options) { o.MaxRequests = 1 })
	r := source(t, c, host+"/a", plainly)
	body, err := r.Blob(t.Context(), blob(content))
	require.NoError(t, err)
	read, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, content, string(read))
	require.Equal(t, []string{"", "bytes=4-"}, ranges)
	require.NoError(t, body.Close())
	requireRoom(t, r)
}

func TestABlobWhoseConnectionIsCutEachMegabyteArrives(t *testing.T) {
	t.Parallel()
	const cut = 1 << 20
	layer := registrytest.RandomLayer(1, 20*cut)
	var sent atomic.Int64
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		var from int
		_, _ = fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-", &from)
		rest := layer.Content[from:]
		w.Header().Set("Content-Length", strconv.Itoa(len(rest)))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, layer.Size()-1, layer.Size()))
			w.WriteHeader(http.StatusPartialContent)
		}
		n, _ := w.Write(rest[:min(cut, len(rest))]) // closes the connection, as it is less than announced
		sent.Add(int64(n))
	})
	body, err := source(t, newClient(t), host+"/a", plainly).Blob(t.Context(), layer.Descriptor())
	require.NoError(t, err)
	defer body.Close()

	read, err := io.Copy(io.Discard, Verify(body, layer.Descriptor()))

	require.NoError(t, err)
	require.Equal(t, layer.Size(), read)
	require.LessOrEqual(t, float64(sent.Load()), 1.10*float64(layer.Size()))
}

func TestABlobOfWhichNoMoreComesEndsItsAttempts(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "0123")
			return
		}
		w.Header().Set("Content-Length", "6")
		w.Header().Set("Content-Range", "bytes 4-9/10")
		w.WriteHeader(http.StatusPartialContent)
	})
	c := newClient(t, func(o *transport.Options) { o.Retries = 3 })
	body, err := source(t, c, host+"/a", plainly).Blob(t.Context(), blob("0123456789"))
	require.NoError(t, err)
	defer body.Close()
	_, err = io.ReadAll(body)
	requireFault(t, err, fault.Network, "reading blob")
	require.EqualValues(t, 4, asked.Load())
}

// requireRoom makes sure that a registry which takes one request at a time takes
// one.
func requireRoom(t *testing.T, r *Repository) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, _, err := r.HasBlob(ctx, blob("").Digest)
	require.NoError(t, err)
}

func TestBlobDoesNotGoOnElsewhereThanWhereItBroke(t *testing.T) {
	t.Parallel()
	const content = "0123456789"
	for name, answer := range map[string]func(http.ResponseWriter){
		"another range": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, content[5:]+"x")
		},
		"no range": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, content[4:])
		},
		"all of it": func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 4-9/10")
			_, _ = io.WriteString(w, content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
				if req.Header.Get("Range") != "" {
					answer(w)
					return
				}
				w.Header().Set("Content-Length", "10")
				_, _ = io.WriteString(w, content[:4])
			})
			body, err := source(t, newClient(t), host+"/a", plainly).Blob(t.Context(), blob(content))
			require.NoError(t, err)
			defer body.Close()

			read, err := io.ReadAll(body)

			requireFault(t, err, fault.Network, "reading blob")
			require.Equal(t, content[:4], string(read))
		})
	}
}

func TestBlobThatCannotGoOnFails(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "0123")
	})
	c := newClient(t)
	body, err := source(t, c, host+"/a", plainly).Blob(t.Context(), blob("0123456789"))
	require.NoError(t, err)
	_, err = io.ReadAll(body)
	requireFault(t, err, fault.Network, "reading blob")
	require.NoError(t, body.Close())
}
