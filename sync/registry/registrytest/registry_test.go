package registrytest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

// client is a plain HTTP client that trusts the registry's authority and shows
// the registry's client certificate, if there is one.
func client(t *testing.T, r *registrytest.Registry) *http.Client {
	t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if r.CertDir != "" {
		authority, err := os.ReadFile(filepath.Join(r.CertDir, "ca.crt"))
		require.NoError(t, err)
		config.RootCAs.AppendCertsFromPEM(authority)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(r.CertDir, "client.cert"), filepath.Join(r.CertDir, "client.key"))
	if err == nil {
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask sends a request and reads the whole answer.
func ask(t *testing.T, c *http.Client, method, url string, edit ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	for _, e := range edit {
		e(req)
	}
	answer, err := c.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func TestRegistryCountsWhatAClientDoes(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	image := registrytest.RandomImage(1)
	digest := r.Push(t, "a/b", "1", image)
	require.Empty(t, r.Log(), "what the test pushes is not counted")

	c, layer := client(t, r), image.Blobs[1]
	v2 := r.URL() + "/v2/"
	ask(t, c, http.MethodGet, v2)
	head, _ := ask(t, c, http.MethodHead, v2+"a/b/manifests/1")
	require.Equal(t, digest.String(), head.Header.Get("Docker-Content-Digest"))
	_, manifest := ask(t, c, http.MethodGet, v2+"a/b/manifests/"+digest.String())
	require.Equal(t, string(image.Manifest), manifest)
	ask(t, c, http.MethodHead, v2+"a/b/blobs/"+layer.Digest().String())
	ask(t, c, http.MethodGet, v2+"a/b/blobs/"+layer.Digest().String())
	ask(t, c, http.MethodPost, v2+"c/blobs/uploads/?mount="+layer.Digest().String()+"&from=a/b")
	ask(t, c, http.MethodPost, v2+"c/blobs/uploads/?mount="+image.Blobs[2].Digest().String()+"&from=nowhere")
	ask(t, c, http.MethodPost, v2+"c/blobs/uploads/")
	_, tags := ask(t, c, http.MethodGet, v2+"a/b/tags/list")
	require.JSONEq(t, `{"name":"a/b","tags":["1"]}`, tags)
	ask(t, c, http.MethodGet, v2+"a/b/referrers/"+digest.String())

	require.Equal(t, "blob-get 1\nblob-head 1\nmanifest-get 1\nmanifest-head 1\nmount 1\n"+
		"mount-refused 1\nping 1\nreferrers 1\ntag-list 1\nupload-start 1\n", r.Counts())
	require.Equal(t, layer.Size(), r.BlobBytesRead())
	require.Equal(t, 1, r.Connections())

	request := r.Log()[1]
	require.Equal(t, registrytest.Request{
		Kind: registrytest.ManifestHead, Method: "HEAD", Path: "/v2/a/b/manifests/1",
		Repository: "a/b", Protocol: "HTTP/1.1", Status: 200,
	}, request)

	r.Reset()
	require.Empty(t, r.Counts())
	require.Zero(t, r.Connections())
}

func TestRegistryCountsBytesOfUploads(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	c, layer := client(t, r), registrytest.RandomLayer(1, 5000)
	started, _ := ask(t, c, http.MethodPost, r.URL()+"/v2/a/blobs/uploads/")
	location, err := started.Location()
	require.NoError(t, err)
	ended, _ := ask(t, c, http.MethodPut, location.String()+"&digest="+layer.Digest().String(), func(req *http.Request) {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(string(layer.Content))), layer.Size()
	})
	require.Equal(t, http.StatusCreated, ended.StatusCode)
	require.Equal(t, layer.Size(), r.BlobBytesWritten())
	require.Equal(t, "upload-finish 1\nupload-start 1\n", r.Counts())
	require.Equal(t, layer.Content, r.Blob(t, "a", layer.Digest()))
}

func TestInterceptAnswersInsteadOfTheRegistry(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Push(t, "a", "1", registrytest.RandomImage(1))
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodHead {
			return false
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	c := client(t, r)
	failed, _ := ask(t, c, http.MethodHead, r.URL()+"/v2/a/manifests/1")
	require.Equal(t, http.StatusTooManyRequests, failed.StatusCode)
	passed, _ := ask(t, c, http.MethodGet, r.URL()+"/v2/a/manifests/1")
	require.Equal(t, http.StatusOK, passed.StatusCode)
	require.True(t, r.HasTag(t, "a", "1"), "the test itself is not stopped")
	require.Equal(t, http.StatusTooManyRequests, r.Log()[0].Status)

	r.Intercept(nil)
	healed, _ := ask(t, c, http.MethodHead, r.URL()+"/v2/a/manifests/1")
	require.Equal(t, http.StatusOK, healed.StatusCode)
}

func TestInterceptMayBreakTheConnection(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	r.Intercept(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/v2/", nil)
	require.NoError(t, err)
	_, err = client(t, r).Do(req)
	require.ErrorIs(t, err, io.EOF)
	require.Zero(t, r.Log()[0].Status)
}

func TestDirectoryKeepsContentForTheNextStart(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	first, err := registrytest.New(registrytest.Directory(directory))
	require.NoError(t, err)
	digest := first.Push(t, "a", "1", registrytest.RandomImage(1))
	first.Close()
	first.Close()

	second := registrytest.Start(t, registrytest.Directory(directory))
	require.Equal(t, digest, second.Digest(t, "a", "1"))
}

func TestNoReferrersAPIAnswersNotFound(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.NoReferrersAPI())
	digest := r.Push(t, "a", "1", registrytest.RandomImage(1))
	answer, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/a/referrers/"+digest.String())
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
}

func TestCatalogListsRepositoriesInPages(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.Catalog())
	for _, repository := range []string{"c", "a/b", "a/a"} {
		r.Push(t, repository, "1", registrytest.RandomImage(1))
	}
	c := client(t, r)
	first, body := ask(t, c, http.MethodGet, r.URL()+"/v2/_catalog?n=2")
	require.JSONEq(t, `{"repositories":["a/a","a/b"]}`, body)
	require.Equal(t, `</v2/_catalog?last=a%2Fb&n=2>; rel="next"`, first.Header.Get("Link"))
	last, body := ask(t, c, http.MethodGet, r.URL()+"/v2/_catalog?last=a%2Fb&n=2")
	require.JSONEq(t, `{"repositories":["c"]}`, body)
	require.Empty(t, last.Header.Get("Link"))
	require.Equal(t, 2, r.Count(registrytest.CatalogList))
}

func TestRegistryHasNoCatalogUnlessAsked(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	answer, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/_catalog")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
}
