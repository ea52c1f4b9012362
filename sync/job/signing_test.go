package job

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/signature/sigstore"

	"csync/sync/image"
)

// sigstoreKey writes a private key, and the file with its passphrase.
func sigstoreKey(t *testing.T, passphrase string) (key, passphraseFile string) {
	t.Helper()
	pair, err := sigstore.GenerateKeyPair([]byte(passphrase))
	require.NoError(t, err)
	key, passphraseFile = filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(key, pair.PrivateKey, 0o600))
	require.NoError(t, os.WriteFile(passphraseFile, []byte(passphrase+"\n"), 0o600))
	return key, passphraseFile
}

// fulcio answers every request for a certificate with the status.
func fulcio(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/signingCert" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n\n")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// identityToken is an OIDC token as Fulcio's clients look at it: its signature
// is Fulcio's business.
func identityToken(t *testing.T) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"sub": "ci", "email": "ci@q.io", "email_verified": true})
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	return strings.Join([]string{encode([]byte(`{"alg":"ES256"}`)), encode(claims), encode([]byte("none"))}, ".")
}

// issuer is an OIDC issuer with a device flow, RFC 8628, in which the person
// says no.
func issuer(t *testing.T) string {
	t.Helper()
	answers := http.NewServeMux()
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	answer := func(path string, document map[string]any) {
		answers.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(document)
		})
	}
	answer("/.well-known/openid-configuration", map[string]any{
		"issuer": server.URL, "jwks_uri": server.URL + "/keys", "token_endpoint": server.URL + "/token",
		"device_authorization_endpoint": server.URL + "/device", "code_challenge_methods_supported": []string{"S256"},
	})
	answer("/device", map[string]any{"user_code": "ABCD-EFGH", "verification_uri": "https://q.io/device", "expires_in": 60})
	answer("/token", map[string]any{"error": "access_denied"})
	return server.URL
}

// signersOf sets up signing with a parameter file. said is what a person is to
// read.
func signersOf(file string) (signers []io.Closer, said string, err error) {
	var prompts bytes.Buffer
	j := &job{Options: Options{Input: strings.NewReader(""), Signing: Signing{Parameters: file, Prompts: &prompts}}, copier: &image.Copier{}}
	err = j.signByLibrary("")
	return j.signers, prompts.String(), err
}

func TestAPersonIsToldWhereToLogInForSigning(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "parameters.yaml")
	parameters := "fulcio: {fulcioURL: 'http://localhost', oidcMode: deviceGrant, oidcIssuerURL: '" + issuer(t) + "', oidcClientID: csync}"
	require.NoError(t, os.WriteFile(file, []byte(parameters), 0o600))
	_, said, err := signersOf(file)
	require.ErrorContains(t, err, "access_denied")
	require.Contains(t, said, "Enter the verification code ABCD-EFGH in your browser at: https://q.io/device")
}

func TestEachFormOfASigstoreParameterFileIsTakenOrRefused(t *testing.T) {
	t.Parallel()
	key, passphrase := sigstoreKey(t, "secret")
	_, wrong := sigstoreKey(t, "wrong")
	open, _ := sigstoreKey(t, "")
	certifies, refuses, token := fulcio(t, http.StatusCreated), fulcio(t, http.StatusForbidden), identityToken(t)
	for _, test := range []struct{ name, parameters, refusal string }{
		{"a key and its passphrase", "privateKeyFile: " + key + "\nprivateKeyPassphraseFile: " + passphrase, ""},
		{"a key and a log", "privateKeyFile: " + key + "\nprivateKeyPassphraseFile: " + passphrase + "\nrekorURL: " + certifies, ""},
		{"a key and another passphrase", "privateKeyFile: " + key + "\nprivateKeyPassphraseFile: " + wrong, "decrypt"},
		{"a key and no passphrase", "privateKeyFile: " + key, "privateKeyPassphraseFile"},
		{"a key and no passphrase that is needed", "privateKeyFile: " + open, "privateKeyPassphraseFile"},
		{"a key that is not there", "privateKeyFile: /nonexistent/key\nprivateKeyPassphraseFile: " + passphrase, "/nonexistent/key"},
		{"a passphrase that is not there", "privateKeyFile: " + key + "\nprivateKeyPassphraseFile: /nonexistent/p", "/nonexistent/p"},
		{"a log alone", "rekorURL: https://rekor.example.com", "no private key source"},
		{"a log that is no URL", "privateKeyFile: " + key + "\nprivateKeyPassphraseFile: " + passphrase + "\nrekorURL: ':'", "rekorURL"},
		{"a token", "fulcio: {fulcioURL: " + certifies + ", oidcMode: staticToken, oidcIDToken: " + token + "}", ""},
		{"a token and a log", "fulcio: {fulcioURL: " + certifies + ", oidcMode: staticToken, oidcIDToken: " + token + "}\nrekorURL: " + certifies, ""},
		{"a token that Fulcio refuses", "fulcio: {fulcioURL: " + refuses + ", oidcMode: staticToken, oidcIDToken: " + token + "}", "obtaining certificate from Fulcio"},
		{"a token that is none", "fulcio: {fulcioURL: " + refuses + ", oidcMode: staticToken, oidcIDToken: x}", "parsing OIDC token"},
		{"a token's mode without one", "fulcio: {fulcioURL: " + refuses + ", oidcMode: staticToken}", "missing oidcToken"},
		{"no mode", "fulcio: {fulcioURL: " + refuses + ", oidcIssuerURL: " + refuses + "}", "missing oidcMode"},
		{"an unknown mode", "fulcio: {fulcioURL: " + refuses + ", oidcMode: trust, oidcIssuerURL: " + refuses + "}", `unknown oidcMode value "trust"`},
		{"no Fulcio", "fulcio: {oidcMode: staticToken, oidcIDToken: x}", "missing fulcioURL"},
		{"a device without an issuer", "fulcio: {fulcioURL: " + refuses + ", oidcMode: deviceGrant}", "missing oidcIssuerURL"},
		{"a device at what is no issuer", "fulcio: {fulcioURL: " + refuses + ", oidcMode: deviceGrant, oidcIssuerURL: " + refuses + "}", "authenticating with OIDC"},
		{"a person at what is no issuer", "fulcio: {fulcioURL: " + refuses + ", oidcMode: interactive, oidcIssuerURL: " + refuses + "}", "authenticating with OIDC"},
		{"a key and Fulcio", "privateKeyFile: " + key + "\nprivateKeyPassphraseFile: " + passphrase +
			"\nfulcio: {fulcioURL: " + refuses + ", oidcMode: staticToken, oidcIDToken: " + token + "}", "multiple private key sources"},
		{"an unknown key", "privateKey: " + key, "privateKey not found"},
		{"nothing", "", "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "parameters.yaml")
			require.NoError(t, os.WriteFile(file, []byte(test.parameters), 0o600))
			signers, said, err := signersOf(file)
			if test.refusal != "" {
				require.ErrorContains(t, err, test.refusal)
				return
			}
			require.NoError(t, err)
			require.Len(t, signers, 1)
			require.NoError(t, signers[0].Close())
			require.Empty(t, said)
		})
	}
}

// closing notes that it was closed.
type closing struct{ closed int }

func (c *closing) Close() error {
	c.closed++
	return nil
}

func TestSignersAreGivenBackWhereALaterOneCannotBeHad(t *testing.T) {
	t.Parallel()
	key, passphrase := sigstoreKey(t, "secret")
	earlier := &closing{}
	signing := Signing{PrivateKey: key, PassphraseFile: passphrase, Parameters: "/nonexistent/parameters.yaml"}
	j := &job{Options: Options{Verb: Sync, Signing: signing}, copier: &image.Copier{}, signers: []io.Closer{earlier}}

	require.ErrorContains(t, j.sign(t.Context()), "/nonexistent/parameters.yaml")

	require.Equal(t, 1, earlier.closed)
	require.Empty(t, j.signers)
}
