package image

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/signature"

	"csync/sync/fault"
	"csync/sync/image/trust"
)

// Accepts says whether one of the signatures of a manifest is a signer's own.
type Accepts func(ctx context.Context, s Signing, signatures []trust.Signature) (bool, error)

// AcceptsKey takes what a policy takes that trusts the public key, in PEM, for
// the very name.
func AcceptsKey(public []byte) (Accepts, error) {
	requirement, err := signature.NewPRSigstoreSignedKeyData(public, signature.NewPRMMatchExact())
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading a public key: %w", err))
	}
	policy := &trust.Trust{Policy: &signature.Policy{Default: signature.PolicyRequirements{requirement}}}
	return func(ctx context.Context, s Signing, signatures []trust.Signature) (bool, error) {
		ref, err := docker.NewReference(s.Name)
		if err != nil {
			return false, fault.New(fault.Internal, err)
		}
		return policy.Allow(ctx, ref, s.Manifest, given(signatures)) == nil, ctx.Err()
	}, nil
}

// given are signatures that have been read.
type given []trust.Signature

func (g given) Signatures(context.Context, digest.Digest) ([]trust.Signature, error) { return g, nil }

// AcceptsCertificates takes every signature of the manifest under its name with
// a certificate: who signs with one has a new key each time.
func AcceptsCertificates(_ context.Context, s Signing, signatures []trust.Signature) (bool, error) {
	for _, each := range signatures {
		payload, certified := each.Certified()
		var said struct {
			Critical struct {
				Identity struct {
					Reference string `json:"docker-reference"`
				} `json:"identity"`
				Image struct {
					Digest digest.Digest `json:"docker-manifest-digest"`
				} `json:"image"`
			} `json:"critical"`
		}
		if certified && json.Unmarshal(payload, &said) == nil &&
			said.Critical.Identity.Reference == s.Name.String() && said.Critical.Image.Digest == s.Manifest.Digest {
			return true, nil
		}
	}
	return false, nil
}

// AcceptsFingerprint takes every simple signature of the manifest under its name
// that says to be by the OpenPGP key.
func AcceptsFingerprint(key string) Accepts {
	return func(_ context.Context, s Signing, signatures []trust.Signature) (bool, error) {
		for _, each := range signatures {
			said, err := signature.GetUntrustedSignatureInformationWithoutVerifying(each)
			if err == nil && said.UntrustedShortKeyIdentifier != "" && strings.HasSuffix(strings.ToUpper(key), said.UntrustedShortKeyIdentifier) &&
				said.UntrustedDockerReference == s.Name.String() && said.UntrustedDockerManifestDigest == s.Manifest.Digest {
				return true, nil
			}
		}
		return false, nil
	}
}

// PublicKey is the public half, in PEM, of a sigstore private key in a file.
func PublicKey(file string, passphrase []byte) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading private key: %w", err))
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading private key %s: it is not in PEM", file))
	}
	plain, err := encrypted.Decrypt(block.Bytes, passphrase)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("decrypting private key %s: %w", file, err))
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("parsing private key %s: %w", file, err))
	}
	private, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.New(fault.Input, errors.New("parsing private key: it cannot sign"))
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("encoding public key: %w", err))
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), nil
}
