package registrytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// inProcess sends requests straight to a handler, with the credentials that a
// process behind it may ask for.
type inProcess struct {
	handler http.Handler
	options options
}

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	if p.options.basic {
		req.SetBasicAuth(p.options.user, p.options.password)
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, req)
	answer := w.Result()
	answer.Request = req // Location is relative to it
	return answer, nil
}

// Push puts image with everything below it into repository, children first,
// under tag or, if that is empty, under its digest alone.
func (r *Registry) Push(t testing.TB, repository, tag string, image Image) digest.Digest {
	t.Helper()
	require.NoError(t, r.Put(repository, tag, image))
	return image.Digest()
}

// Put is [Registry.Push] outside of a test.
func (r *Registry) Put(repository, tag string, image Image) error {
	for _, child := range image.Children {
		if err := r.Put(repository, "", child); err != nil {
			return err
		}
	}
	for _, blob := range image.Blobs {
		if err := r.putBlob(repository, blob); err != nil {
			return err
		}
	}
	if tag == "" {
		tag = image.Digest().String()
	}
	return r.putManifest(repository, tag, image.MediaType, image.Manifest)
}

// Retag puts the manifest that is under a tag or digest under another tag too.
func (r *Registry) Retag(t testing.TB, repository, reference, tag string) {
	t.Helper()
	mediaType, manifest := r.manifest(t, repository, reference)
	require.NoError(t, r.putManifest(repository, tag, mediaType, manifest))
}

// Delete removes a tag, or a manifest by its digest.
func (r *Registry) Delete(t testing.TB, repository, reference string) {
	t.Helper()
	_, err := r.ask(http.MethodDelete, path(repository, "manifests", reference), nil, http.StatusAccepted)
	require.NoError(t, err)
}

// DeleteBlob removes a blob from repository, whatever needs it.
func (r *Registry) DeleteBlob(t testing.TB, repository string, blob digest.Digest) {
	t.Helper()
	_, err := r.ask(http.MethodDelete, path(repository, "blobs", blob.String()), nil, http.StatusAccepted)
	require.NoError(t, err)
}

// HasTag reports whether repository has tag, or a manifest of that digest.
func (r *Registry) HasTag(t testing.TB, repository, reference string) bool {
	t.Helper()
	answer, err := r.ask(http.MethodHead, path(repository, "manifests", reference), nil, http.StatusOK, http.StatusNotFound)
	require.NoError(t, err)
	return answer.StatusCode == http.StatusOK
}

// Tags lists the tags of repository, sorted; none if there is no repository.
func (r *Registry) Tags(t testing.TB, repository string) []string {
	t.Helper()
	answer, err := r.ask(http.MethodGet, path(repository, "tags", "list"), nil, http.StatusOK, http.StatusNotFound)
	require.NoError(t, err)
	var list struct{ Tags []string }
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&list))
	return list.Tags
}

// Manifest is the manifest under a tag or digest.
func (r *Registry) Manifest(t testing.TB, repository, reference string) []byte {
	t.Helper()
	_, manifest := r.manifest(t, repository, reference)
	return manifest
}

// Digest is the digest of the manifest under a tag, computed from its bytes.
func (r *Registry) Digest(t testing.TB, repository, reference string) digest.Digest {
	t.Helper()
	return digest.FromBytes(r.Manifest(t, repository, reference))
}

// Named is [Registry.Digest] outside of a test.
func (r *Registry) Named(repository, tag string) (digest.Digest, error) {
	answer, err := r.ask(http.MethodGet, path(repository, "manifests", tag), nil, http.StatusOK)
	if err != nil {
		return "", err
	}
	return digest.FromReader(answer.Body)
}

// HasBlob reports whether repository has the blob.
func (r *Registry) HasBlob(t testing.TB, repository string, blob digest.Digest) bool {
	t.Helper()
	answer, err := r.ask(http.MethodHead, path(repository, "blobs", blob.String()), nil, http.StatusOK, http.StatusNotFound)
	require.NoError(t, err)
	return answer.StatusCode == http.StatusOK
}

// Blob is the content of a blob.
func (r *Registry) Blob(t testing.TB, repository string, blob digest.Digest) []byte {
	t.Helper()
	answer, err := r.ask(http.MethodGet, path(repository, "blobs", blob.String()), nil, http.StatusOK)
	require.NoError(t, err)
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return content
}

// Image reads what is under a tag or digest with everything below it, so that
// two registries can be compared byte for byte.
func (r *Registry) Image(t testing.TB, repository, reference string) Image {
	t.Helper()
	mediaType, manifest := r.manifest(t, repository, reference)
	image := Image{MediaType: mediaType, Manifest: manifest}
	children, blobs, err := descriptors(manifest)
	require.NoError(t, err)
	for _, descriptor := range children {
		child := r.Image(t, repository, descriptor.Digest.String())
		child.Platform, child.Annotations = descriptor.Platform, descriptor.Annotations
		image.Children = append(image.Children, child)
	}
	for _, descriptor := range blobs {
		image.Blobs = append(image.Blobs, Blob{
			MediaType:   descriptor.MediaType,
			Content:     r.Blob(t, repository, descriptor.Digest),
			Annotations: descriptor.Annotations,
		})
	}
	return image
}

func (r *Registry) manifest(t testing.TB, repository, reference string) (mediaType string, manifest []byte) {
	t.Helper()
	answer, err := r.ask(http.MethodGet, path(repository, "manifests", reference), nil, http.StatusOK)
	require.NoError(t, err)
	manifest, err = io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.Header.Get("Content-Type"), manifest
}

func (r *Registry) putManifest(repository, reference, mediaType string, manifest []byte) error {
	_, err := r.ask(http.MethodPut, path(repository, "manifests", reference),
		&Blob{MediaType: mediaType, Content: manifest}, http.StatusCreated)
	return err
}

// putBlob uploads with POST and PUT (OCI distribution 1.1, "POST then PUT").
func (r *Registry) putBlob(repository string, blob Blob) error {
	started, err := r.ask(http.MethodPost, path(repository, "blobs", "uploads/"), nil, http.StatusAccepted)
	if err != nil {
		return err
	}
	location, err := started.Location()
	if err != nil {
		return fmt.Errorf("starting an upload to %s: %w", repository, err)
	}
	query := location.Query()
	query.Set("digest", blob.Digest().String())
	location.RawQuery = query.Encode()
	content := &Blob{MediaType: "application/octet-stream", Content: blob.Content}
	_, err = r.ask(http.MethodPut, location.String(), content, http.StatusCreated)
	return err
}

// ask sends a request past the front and wants one of the given answers.
func (r *Registry) ask(method, url string, content *Blob, wanted ...int) (*http.Response, error) {
	if strings.HasPrefix(url, "/") {
		url = r.URL() + url
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content.Content)
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if content != nil {
		req.Header.Set("Content-Type", content.MediaType)
	}
	req.Header["Accept"] = []string{
		ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, DockerList, DockerManifest,
	}
	answer, err := r.content.Do(req)
	if err != nil {
		return nil, err
	}
	for _, status := range wanted {
		if answer.StatusCode == status {
			return answer, nil
		}
	}
	message, _ := io.ReadAll(answer.Body) // of a recorder: cannot fail
	return nil, fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, message)
}

func path(repository, endpoint, name string) string {
	return "/v2/" + repository + "/" + endpoint + "/" + name
}
