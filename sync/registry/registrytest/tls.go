package registrytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// serveTLS makes an authority, lets it sign what is asked for, and fills CertDir.
func (r *Registry) serveTLS(o options) error {
	var err error
	if r.CertDir, err = os.MkdirTemp("", "registrytest-"); err != nil {
		return fmt.Errorf("making a directory for certificates: %w", err)
	}
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	if err := r.writePEM("ca.crt", "CERTIFICATE", authority.certificate.Raw); err != nil {
		return err
	}
	end := time.Now().Add(time.Hour)
	if o.expired {
		end = time.Now().Add(-time.Hour)
	}
	server, err := authority.issue(end, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return err
	}
	r.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS12}
	if o.clientCertificate {
		return r.requireClientCertificate(authority)
	}
	return nil
}

func (r *Registry) requireClientCertificate(a *authority) error {
	client, err := a.issue(time.Now().Add(time.Hour), x509.ExtKeyUsageClientAuth)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		return fmt.Errorf("encoding the client's key: %w", err)
	}
	if err := r.writePEM("client.cert", "CERTIFICATE", client.Certificate[0]); err != nil {
		return err
	}
	if err := r.writePEM("client.key", "PRIVATE KEY", key); err != nil {
		return err
	}
	r.server.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	r.server.TLSConfig.ClientCAs = x509.NewCertPool()
	r.server.TLSConfig.ClientCAs.AddCert(a.certificate)
	return nil
}

func (r *Registry) writePEM(name, block string, content []byte) error {
	encoded := pem.EncodeToMemory(&pem.Block{Type: block, Bytes: content})
	if err := os.WriteFile(filepath.Join(r.CertDir, name), encoded, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// authority is a certificate authority of one registry.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	template := newTemplate(time.Now().Add(time.Hour))
	template.Subject.CommonName = "registrytest authority"
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the authority's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	return &authority{certificate, key}, nil
}

// issue signs a certificate that is valid until end.
func (a *authority) issue(end time.Time, usage x509.ExtKeyUsage) (tls.Certificate, error) {
	template := newTemplate(end)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a key: %w", err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
}

func newTemplate(end time.Time) *x509.Certificate {
	serial := new(big.Int).SetBytes([]byte(rand.Text()[:16]))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "registrytest"},
		NotBefore:    end.Add(-2 * time.Hour),
		NotAfter:     end,
	}
}
