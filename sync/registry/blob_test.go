package registry

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

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

func TestBlobOfAnotherSizeIsRefused(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "content") })
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
