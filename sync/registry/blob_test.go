package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

func blob(content string) v1.Descriptor {
	return v1.Descriptor{Digest: digest.FromString(content), Size: int64(len(content))}
}

func TestBlobIsWrittenReadAndMounted(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	c := newClient(t)
	a, b := destination(t, c, server.Host()+"/a", asUser(plainly)), destination(t, c, server.Host()+"/b", asUser(plainly))
	for name, size := range map[string]int64{"known size": 7, "chunked": -1} {
		d := blob("content")
		d.Size = size
		upload, err := a.StartUpload(t.Context())
		require.NoError(t, err, name)
		require.NoError(t, upload.Finish(t.Context(), d, strings.NewReader("content")), name)
	}
	size, is, err := a.HasBlob(t.Context(), blob("content").Digest)
	require.NoError(t, err)
	require.True(t, is)
	require.Equal(t, int64(7), size)
	_, is, err = b.HasBlob(t.Context(), blob("content").Digest)
	require.NoError(t, err)
	require.False(t, is)

	upload, err := b.Mount(t.Context(), blob("content").Digest, a)
	require.NoError(t, err)
	require.Nil(t, upload)
	body, err := b.Blob(t.Context(), blob("content"))
	require.NoError(t, err)
	content, err := io.ReadAll(Verify(body, blob("content")))
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "content", string(content))
	require.Equal(t, 1, server.Count(registrytest.Mount), server.Counts())
	require.Equal(t, 1, server.Count(registrytest.Unauthorized), server.Counts())
}

func TestMountAsksForOneTokenWithBothScopes(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.Token("ci", "secret"))
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t)
	a, b := destination(t, c, server.Host()+"/a", asUser(plainly)), destination(t, c, server.Host()+"/b", asUser(plainly))
	for _, layer := range image.Blobs {
		upload, err := b.Mount(t.Context(), layer.Digest(), a)
		require.NoError(t, err)
		require.Nil(t, upload)
	}
	for _, request := range server.Log() {
		if request.Path == "/token" {
			require.Contains(t, request.Query, "scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull%2Cpush")
		}
	}
	require.Equal(t, 1, server.Count(registrytest.TokenRequest), server.Counts())
}

func TestEmptyBlobIsWritten(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	require.NoError(t, upload.Finish(t.Context(), blob(""), strings.NewReader("")))
	require.True(t, server.HasBlob(t, "a", blob("").Digest))
}

func TestMountThatIsNotDoneGivesAnUpload(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"session": 0, "denied": http.StatusForbidden, "not known": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := registrytest.Start(t)
			server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if status != 0 && req.URL.Query().Has("mount") {
					w.WriteHeader(status)
					return true
				}
				return false
			})
			c := newClient(t)
			r := destination(t, c, server.Host()+"/a", plainly)
			upload, err := r.Mount(t.Context(), blob("content").Digest, destination(t, c, server.Host()+"/b", plainly))
			require.NoError(t, err)
			require.NotNil(t, upload)
			require.NoError(t, upload.Finish(t.Context(), blob("content"), strings.NewReader("content")))
			require.True(t, server.HasBlob(t, "a", blob("content").Digest))
		})
	}
}

func TestUploadOfWrongContentIsRefused(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	err = upload.Finish(t.Context(), blob("content"), strings.NewReader("CONTENT"))
	require.ErrorContains(t, err, "uploading blob "+blob("content").Digest.String())
	require.False(t, server.HasBlob(t, "a", blob("content").Digest))
}

func TestUploadFailsAsItsSourceDoes(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	broken := fault.At(fault.Source, "docker://q.io/a:1", fault.New(fault.RateLimited, errors.New("enough")))
	err = upload.Finish(t.Context(), blob("content"), io.MultiReader(strings.NewReader("con"), iotest.ErrReader(broken)))
	requireFault(t, err, fault.RateLimited, "enough")
	require.Equal(t, fault.Source, fault.SideOf(err))
}

func TestRateLimitOfWrites(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	var limited atomic.Int32
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if limited.Add(1)%2 == 0 || strings.Contains(req.URL.Path, "/uploads/") && req.Method == http.MethodPut {
			return false
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)
	upload, err := r.StartUpload(t.Context())
	require.NoError(t, err)
	require.NoError(t, upload.Finish(t.Context(), blob("{}"), strings.NewReader("{}")))
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	require.NoError(t, r.PutManifest(t.Context(), "2", manifestOf(image)))
}

func TestUploadToAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.example/upload")
		w.WriteHeader(http.StatusAccepted)
	})
	c := newClient(t)
	_, err := destination(t, c, host+"/a", plainly).StartUpload(t.Context())
	requireFault(t, err, fault.Unsupported, "another host, elsewhere.example")
}

func TestAnUploadIsAbandonedAlsoAfterAnInterruption(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	c := newClient(t)
	upload, err := destination(t, c, server.Host()+"/a", plainly).StartUpload(t.Context())
	require.NoError(t, err)
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()

	upload.Abandon(interrupted)

	requireFault(t, upload.Finish(t.Context(), blob("content"), strings.NewReader("content")), fault.NotFound)
}

func TestBlobGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	const content = "0123456789"
	var ranges []string
	host := serve(t, func(w http.ResponseWriter, req *http.Request) {
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
			host := serve(t, func(w http.ResponseWriter, req *http.Request) {
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
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
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

func TestBlobOfAnotherSizeIsRefused(t *testing.T) {
	t.Parallel()
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "content") })
	c := newClient(t, func(o *transport.Options) { o.MaxRequests = 1 })
	r := source(t, c, host+"/a", plainly)
	_, err := r.Blob(t.Context(), blob("other content"))
	requireFault(t, err, fault.DigestMismatch, "7 bytes of it instead of 13")
	body, err := r.Blob(t.Context(), v1.Descriptor{Digest: blob("content").Digest, Size: -1})
	require.NoError(t, err)
	require.NoError(t, body.Close())
	requireRoom(t, r)
}

func TestVerifyWithholdsTheEndOfWrongContent(t *testing.T) {
	t.Parallel()
	right := blob("content")
	for name, c := range map[string]struct {
		content string
		blob    v1.Descriptor
		fails   bool
	}{
		"right":                {"content", right, false},
		"right, size unknown":  {"content", v1.Descriptor{Digest: right.Digest, Size: -1}, false},
		"empty":                {"", blob(""), false},
		"other bytes":          {"CONTENT", right, true},
		"too short":            {"conten", right, true},
		"too long":             {"content and more", right, true},
		"other, size unknown":  {"other", v1.Descriptor{Digest: right.Digest, Size: -1}, true},
		"not a digest":         {"content", v1.Descriptor{Digest: "md5:0", Size: 7}, true},
		"nothing of something": {"", right, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, reader := range []io.Reader{strings.NewReader(c.content), iotest.OneByteReader(strings.NewReader(c.content)), iotest.DataErrReader(strings.NewReader(c.content))} {
				var copied bytes.Buffer
				_, err := copied.ReadFrom(Verify(reader, c.blob))
				if !c.fails {
					require.NoError(t, err)
					require.Equal(t, c.content, copied.String())
					continue
				}
				require.Error(t, err)
				require.True(t, copied.Len() < 7 || copied.String() == "content", copied.String())
			}
		})
	}
}

func TestRequestsWaitForAnOpenBlobAndForTheirContext(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t, func(o *transport.Options) { o.MaxRequests = 1 })
	r := source(t, c, server.Host()+"/a", plainly)
	body, err := r.Blob(t.Context(), blob(string(image.Blobs[0].Content)))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Resolve(ctx, "1")
	requireFault(t, err, fault.Cancelled)

	require.NoError(t, body.Close())
	_, err = r.Resolve(t.Context(), "1")
	require.NoError(t, err)
}

func TestOpenBlobsLeaveRoomForUploadsToTheirRegistry(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	content := blob(string(image.Blobs[0].Content))
	for _, limit := range []int{1, 2, 3, 8} {
		c := newClient(t, func(o *transport.Options) { o.MaxRequests = limit })
		from, to := source(t, c, server.Host()+"/a", plainly), destination(t, c, server.Host()+"/b", plainly)
		for range max(limit/2, 1) {
			body, err := from.Blob(t.Context(), content)
			require.NoError(t, err)
			defer body.Close()
		}
		given, giveUp := context.WithCancel(t.Context())
		giveUp()
		_, err := from.Blob(given, content)
		requireFault(t, err, fault.Cancelled)

		upload, err := to.StartUpload(t.Context())
		require.NoError(t, err)
		upload.Abandon(t.Context())
	}
}
