package transport

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
)

func TestARefreshTokenIsNotSentWhereATokenServerRedirects(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	elsewhere := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		_, _ = io.WriteString(w, `{"access_token":"good"}`)
	})
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		host := tokenHost(t, func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "http://"+elsewhere+"/token", status)
		})
		s, _ := newSession(t)

		_, err := source(t, s, host+"/a", Access{IdentityToken: "id", TLSVerify: plainly.TLSVerify}).Tags(t.Context())

		requireFault(t, err, fault.Unsupported, "refusing to send what was for "+host+" to another host, "+elsewhere)
	}
	require.Zero(t, reached.Load())
}

func TestAnUploadDoesNotFollowARedirectToAnotherHost(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	elsewhere := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		w.WriteHeader(http.StatusCreated)
	})
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "http://"+elsewhere+req.URL.Path, http.StatusTemporaryRedirect)
	})
	s, _ := newSession(t)

	r := destination(t, s, host+"/a", plainly)
	_, err := r.Send(r.request(t.Context(), http.MethodPost, "blobs/uploads/", strings.NewReader("x")), 0)
	err = r.Failure(t.Context(), err, "uploading")

	requireFault(t, err, fault.Unsupported, "to another host")
	require.Zero(t, reached.Load())
}

func TestARedirectDoesNotSayWhereItCameFrom(t *testing.T) {
	t.Parallel()
	var referers atomic.Int32
	tags := func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Referer") != "" {
			referers.Add(1)
		}
		_, _ = io.WriteString(w, `{"tags":["1"]}`)
	}
	last := registrytest.Serve(t, tags)
	signed := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Referer") != "" {
			referers.Add(1)
		}
		http.Redirect(w, req, "http://"+last+"/", http.StatusFound)
	})
	host := registrytest.Serve(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "http://"+signed+"/?signature=secret", http.StatusFound)
	})
	s, _ := newSession(t)

	_, err := source(t, s, host+"/a", plainly).Tags(t.Context())

	require.NoError(t, err)
	require.Zero(t, referers.Load())
}

// stranger is a host over TLS that notes which client certificates it is shown;
// its authority is in the directory.
func stranger(t *testing.T, answer string) (host, authority string, shown *atomic.Int32) {
	t.Helper()
	shown = &atomic.Int32{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		shown.Add(int32(len(req.TLS.PeerCertificates)))
		_, _ = io.WriteString(w, answer)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	return at.Host, pemOf(server.Certificate().Raw), shown
}

func TestTheClientCertificateIsShownToItsRegistryAlone(t *testing.T) {
	t.Parallel()
	elsewhere, authority, shown := stranger(t, `{"tags":["1"]}`)
	server := registrytest.Start(t, registrytest.ClientCertificate())
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, "https://"+elsewhere+"/", http.StatusFound)
		return true
	})
	s, _ := newSession(t)
	trust(t, s, elsewhere, authority)

	tags, err := source(t, s, server.Host()+"/a", Access{CertDir: server.CertDir}).Tags(t.Context())

	require.NoError(t, err)
	require.Equal(t, []string{"1"}, tags)
	require.Zero(t, shown.Load())
}

func TestLeaveNotToVerifyIsForOneHost(t *testing.T) {
	t.Parallel()
	for name, lead := range map[string]func(w http.ResponseWriter, req *http.Request, elsewhere string){
		"by a redirect": func(w http.ResponseWriter, req *http.Request, elsewhere string) {
			http.Redirect(w, req, "https://"+elsewhere+"/", http.StatusFound)
		},
		"for tokens": func(w http.ResponseWriter, _ *http.Request, elsewhere string) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s/token",service="s"`, elsewhere))
			w.WriteHeader(http.StatusUnauthorized)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elsewhere, _, _ := stranger(t, `{"token":"good","tags":["1"]}`)
			server := registrytest.Start(t, registrytest.TLS())
			server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				lead(w, req, elsewhere)
				return true
			})
			s, _ := newSession(t)

			_, err := source(t, s, server.Host()+"/a", asUser(plainly)).Tags(t.Context())

			requireFault(t, err, fault.TLS, "unknown authority", "certs.d/"+elsewhere)
		})
	}
}

func TestAnAuthorityOfTheRegistryVouchesForItsTokenServer(t *testing.T) {
	t.Parallel()
	elsewhere, authority, _ := stranger(t, `{"token":"good"}`)
	server := registrytest.Start(t, registrytest.TLS())
	server.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") == "Bearer good" {
			_, _ = io.WriteString(w, `{"tags":["1"]}`)
			return true
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s/token",service="s"`, elsewhere))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	require.NoError(t, os.WriteFile(filepath.Join(server.CertDir, "second.crt"), []byte(authority), 0o600))
	s, _ := newSession(t)

	_, err := source(t, s, server.Host()+"/a", Access{CertDir: server.CertDir}).Tags(t.Context())

	require.NoError(t, err)
}

func pemOf(certificate []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

// trust puts an authority where the system has a host's.
func trust(t *testing.T, s *Session, host, authority string) {
	t.Helper()
	dir := filepath.Join(s.System().DockerPerHostCertDirPath, host)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.crt"), []byte(authority), 0o600))
}
