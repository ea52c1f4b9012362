package registry

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func sprint(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func manifestOf(i registrytest.Image) Manifest {
	return Manifest{i.Descriptor(), i.Manifest}
}

func TestResolveIsOneHead(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t)
	r := source(t, c, server.Host()+"/a", plainly)

	d, err := r.Resolve(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, v1.Descriptor{MediaType: image.MediaType, Digest: image.Digest(), Size: int64(len(image.Manifest))}, d)
	require.Equal(t, "manifest-head 1\n", server.Counts())

	_, err = r.Resolve(t.Context(), "2")
	requireFault(t, err, fault.NotFound, "reading manifest 2 in "+server.Host()+"/a: manifest unknown: StatusCode: 404")
}

func TestResolveReadsTheManifestWhereTheHeadDoesNotSayEnough(t *testing.T) {
	t.Parallel()
	body := `{"schemaVersion":2,"mediaType":"` + v1.MediaTypeImageManifest + `"}`
	for name, head := range map[string]http.HandlerFunc{
		"no digest": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", v1.MediaTypeImageManifest)
		},
		"HEAD is denied": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) },
		"no media type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(digestHeader, digest.FromString(body).String())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gets := 0
			host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
				if req.Method == http.MethodHead {
					head(w, req)
					return
				}
				gets++
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, body)
			})
			c := newClient(t)
			d, err := source(t, c, host+"/a", plainly).Resolve(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString(body), Size: int64(len(body))}, d)
			require.Equal(t, 1, gets)
		})
	}
}

func TestManifestHasTheDigestThatWasAskedFor(t *testing.T) {
	t.Parallel()
	other := digest.FromString("other")
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", v1.MediaTypeImageManifest)
		if strings.HasSuffix(req.URL.Path, "/lies") || req.Method == http.MethodHead {
			w.Header().Set(digestHeader, digest.FromString("lies").String())
		}
		_, _ = io.WriteString(w, "{}")
	})
	c := newClient(t)
	r := source(t, c, host+"/a", plainly)
	for _, ref := range []string{other.String(), "lies"} {
		_, err := r.Manifest(t.Context(), ref)
		requireFault(t, err, fault.DigestMismatch, "reading manifest "+ref)
	}
	_, err := r.Resolve(t.Context(), other.String())
	requireFault(t, err, fault.DigestMismatch)
	m, err := r.Manifest(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, digest.FromString("{}"), m.Digest)
}

func TestManifestOfMoreThanFourMebibytesIsRefused(t *testing.T) {
	t.Parallel()
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, maxManifest+1))
	})
	c := newClient(t)
	_, err := source(t, c, host+"/a", plainly).Manifest(t.Context(), "1")
	requireFault(t, err, fault.Unsupported, "more than 4194304 bytes")
}

func TestManifestThatBreaksOffIsReadAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	host := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		if asked++; asked == 1 {
			_, _ = io.WriteString(w, "{")
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	c := newClient(t)
	m, err := source(t, c, host+"/a", plainly).Manifest(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "{}", string(m.Bytes))
	require.Equal(t, 2, asked)
}

func TestPutManifestIsOneRequest(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)
	require.NoError(t, r.PutManifest(t.Context(), "2", manifestOf(image)))
	require.Equal(t, image.Digest(), server.Digest(t, "a", "2"))
	require.Equal(t, "manifest-put 1\n", server.Counts())
}

func TestPutManifestFailsWhereTheRegistryStoresAnother(t *testing.T) {
	t.Parallel()
	image := registrytest.RandomImage(1)
	for name, onPut := range map[string]bool{"the answer says so": true, "it says so when asked": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
				if onPut || req.Method == http.MethodHead {
					w.Header().Set(digestHeader, digest.FromString("other").String())
				}
				if req.Method == http.MethodPut {
					w.WriteHeader(http.StatusCreated)
					return
				}
				w.Header().Set("Content-Type", image.MediaType)
				w.Header().Set("Content-Length", "2")
			})
			c := newClient(t)
			err := destination(t, c, host+"/a", plainly).PutManifest(t.Context(), "1", manifestOf(image))
			requireFault(t, err, fault.DigestMismatch, "uploading manifest 1 to "+host+"/a", digest.FromString("other").String())
		})
	}
}

func TestReferrersAreListedByTheAPI(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)
	artifact := referrer(image, 1)
	require.NoError(t, r.PutManifest(t.Context(), artifact.Digest.String(), artifact))
	listed, err := r.Referrers(t.Context(), image.Digest())
	require.NoError(t, err)
	require.Equal(t, []digest.Digest{artifact.Digest}, digests(listed))
	require.Equal(t, "manifest-put 1\nreferrers 1\n", server.Counts())

	none, err := destination(t, c, server.Host()+"/none", plainly).Referrers(t.Context(), image.Digest())
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestReferrersPushedAtOnceAreAllEnteredIntoTheTag(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t, registrytest.NoReferrersAPI())
	image := registrytest.RandomImage(1)
	server.Push(t, "a", "1", image)
	c := newClient(t)
	r := destination(t, c, server.Host()+"/a", plainly)
	var pushes sync.WaitGroup
	var wanted []digest.Digest
	for seed := range 8 {
		artifact := referrer(image, seed)
		wanted = append(wanted, artifact.Digest)
		pushes.Go(func() {
			if err := r.PutManifest(t.Context(), artifact.Digest.String(), artifact); err != nil {
				t.Error(err)
			}
		})
	}
	pushes.Wait()
	listed, err := r.Referrers(t.Context(), image.Digest())
	require.NoError(t, err)
	require.ElementsMatch(t, wanted, digests(listed))
}

func digests(descriptors []v1.Descriptor) []digest.Digest {
	var all []digest.Digest
	for _, d := range descriptors {
		all = append(all, d.Digest)
	}
	return all
}

// referrer is a small manifest about image.
func referrer(image registrytest.Image, seed int) Manifest {
	subject := image.Descriptor()
	body := sprint(`{"schemaVersion":2,"mediaType":%q,"artifactType":"application/x%d","config":{"mediaType":%q,"digest":%q,"size":%d},`+
		`"layers":[],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
		v1.MediaTypeImageManifest, seed, image.Blobs[0].MediaType, digest.FromBytes(image.Blobs[0].Content), len(image.Blobs[0].Content),
		subject.MediaType, subject.Digest, subject.Size)
	return Manifest{v1.Descriptor{MediaType: v1.MediaTypeImageManifest, Digest: digest.FromString(body), Size: int64(len(body))}, []byte(body)}
}
