package image

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/signature/sigstore"

	"csync/sync/image/trust"
	"csync/sync/registry"
)

// signingOf is what is to be signed under a name.
func signingOf(t *testing.T, content, name string) Signing {
	t.Helper()
	named, err := reference.ParseNormalizedNamed(name)
	require.NoError(t, err)
	s := Signing{Manifest: registry.Manifest{Bytes: []byte(content)}, Name: named}
	s.Manifest.Digest = digest.FromString(content)
	return s
}

// certified is a sigstore signature that says to be of a manifest, with the
// annotation or without.
func certified(t *testing.T, s Signing, annotation string) trust.Signature {
	t.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q}}}`, s.Name, s.Manifest.Digest)
	content, err := json.Marshal(map[string]any{
		"mimeType": "x", "payload": base64.StdEncoding.EncodeToString(payload), "annotations": map[string]string{annotation: "certificate"},
	})
	require.NoError(t, err)
	return append(trust.Signature("\x00sigstore-json\n"), content...)
}

func TestASignatureWithACertificateIsTakenForItsManifestAndName(t *testing.T) {
	t.Parallel()
	const annotation = "dev.sigstore.cosign/certificate"
	wanted := signingOf(t, "{}", "q.io/a:1")
	for name, test := range map[string]struct {
		signature trust.Signature
		accepted  bool
	}{
		"its own":          {certified(t, wanted, annotation), true},
		"another tag":      {certified(t, signingOf(t, "{}", "q.io/a:2"), annotation), false},
		"another manifest": {certified(t, signingOf(t, "{ }", "q.io/a:1"), annotation), false},
		"a key":            {certified(t, wanted, "key"), false},
		"a simple one":     {trust.Signature("\xa3"), false},
		"no JSON":          {trust.Signature("\x00sigstore-json\n{"), false},
	} {
		accepted, err := AcceptsCertificates(t.Context(), wanted, []trust.Signature{test.signature})
		require.NoError(t, err, name)
		require.Equal(t, test.accepted, accepted, name)
	}
	accepted, err := AcceptsCertificates(t.Context(), wanted, []trust.Signature{trust.Signature("\xa3"), certified(t, wanted, annotation)})
	require.NoError(t, err)
	require.True(t, accepted)
}

func TestThePublicKeyIsThatOfThePrivateOne(t *testing.T) {
	t.Parallel()
	pair, err := sigstore.GenerateKeyPair([]byte("secret"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, pair.PrivateKey, 0o600))

	public, err := PublicKey(file, []byte("secret"))

	require.NoError(t, err)
	require.Equal(t, string(pair.PublicKey), string(public))
	_, err = PublicKey(file, []byte("wrong"))
	require.ErrorContains(t, err, "decrypting private key "+file)
	_, err = PublicKey(file+"x", []byte("secret"))
	require.ErrorContains(t, err, "reading private key")
	require.NoError(t, os.WriteFile(file, []byte("none"), 0o600))
	_, err = PublicKey(file, []byte("secret"))
	require.ErrorContains(t, err, "not in PEM")
}
