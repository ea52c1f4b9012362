package registrytest_test

import (
	"crypto/x509"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
)

func TestTLSIsTrustedThroughCertDir(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.TLS())
	answer, _ := ask(t, client(t, r), http.MethodGet, r.URL()+"/v2/")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.True(t, r.Log()[0].TLS)
	require.Equal(t, "HTTP/2.0", r.Log()[0].Protocol)

	_, err := http.Get(r.URL() + "/v2/")
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
}

func TestExpiredCertificateIsRefusedByClients(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.ExpiredCertificate())
	_, err := client(t, r).Get(r.URL() + "/v2/")
	var invalid x509.CertificateInvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, x509.Expired, invalid.Reason)
}

func TestClientCertificateIsAskedFor(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.ClientCertificate())
	with := client(t, r)
	answer, _ := ask(t, with, http.MethodGet, r.URL()+"/v2/")
	require.Equal(t, http.StatusOK, answer.StatusCode)

	without := client(t, r)
	without.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
	_, err := without.Get(r.URL() + "/v2/")
	require.Error(t, err)
	require.Len(t, r.Log(), 1)
}

func TestCloseRemovesCertificates(t *testing.T) {
	t.Parallel()
	r, err := registrytest.New(registrytest.TLS())
	require.NoError(t, err)
	require.DirExists(t, r.CertDir)
	r.Close()
	_, err = os.Stat(r.CertDir)
	require.ErrorIs(t, err, os.ErrNotExist)
}
