package gpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.podman.io/image/v5/signature"

	"csync/sync/fault"
)

// longestPassphrase is what gpg-agent takes. A pipe holds it in any case.
const longestPassphrase = 255

// Signer makes simple signatures, containers-signature(5), with one key. It may
// be used by several goroutines at once, and holds nothing to be given back.
type Signer struct {
	gpg              *program
	key, fingerprint string                 // as the user names it, and that of its primary key
	options          *signature.SignOptions // without a passphrase: gpg-agent knows it, or asks for it
	public           signature.SigningMechanism
}

// New finds gpg and the secret key, and signs something of no meaning with it:
// a Signer that it returns can sign, with that passphrase, or unlocked by the
// person whom gpg-agent asked now and not in the middle of a run.
func New(ctx context.Context, key, passphrase string) (*Signer, error) {
	if err := check(key, passphrase); err != nil {
		return nil, err
	}
	found, err := findProgram()
	if err != nil {
		return nil, err
	}
	s := &Signer{gpg: found, key: key, options: &signature.SignOptions{Passphrase: passphrase}}
	for _, step := range []func(context.Context) error{s.findKey, s.loadPublicKey, s.try} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Sign makes the signature of a manifest under the name dockerReference,
// "q.io/a/b:1". It ends when the context does.
func (s *Signer) Sign(ctx context.Context, manifest []byte, dockerReference string) ([]byte, error) {
	signed, err := signature.SignDockerManifestWithOptions(manifest, dockerReference, s.mechanism(ctx), s.key, s.options)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", dockerReference, err)
	}
	return signed, nil
}

// Verify says why sig is not this key's signature of the manifest under that
// name, and nil if it is. No program is run.
func (s *Signer) Verify(sig, manifest []byte, dockerReference string) error {
	_, err := signature.VerifyDockerManifestSignature(sig, manifest, dockerReference, s.public, s.fingerprint)
	return err
}

func check(key, passphrase string) error {
	switch {
	case key == "":
		return fault.New(fault.Input, errors.New("no GPG key to sign with"))
	case strings.ContainsAny(passphrase, "\r\n\x00"):
		return fault.New(fault.Input, errors.New("the passphrase of a GPG key is one line"))
	case len(passphrase) > longestPassphrase:
		return fault.New(fault.Input, fmt.Errorf("the passphrase has %d bytes, and gpg-agent takes %d", len(passphrase), longestPassphrase))
	}
	return nil
}

// findKey finds the fingerprint of the one key that the user's name for it,
// a fingerprint, a key ID or a user ID, names.
func (s *Signer) findKey(ctx context.Context) error {
	list, err := s.gpg.run(ctx, call{arguments: []string{"--with-colons", "--with-fingerprint", "--list-secret-keys", "--", s.key}})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	found := fingerprints(list)
	switch {
	case len(found) == 0 && err != nil:
		return fault.WithRemedy(fault.Input, fmt.Errorf("no secret GPG key %q: %w", s.key, err),
			"gpg --list-secret-keys shows those that there are; GNUPGHOME says where")
	case len(found) != 1:
		return fault.WithRemedy(fault.Input, fmt.Errorf("%d secret GPG keys are named %q", len(found), s.key),
			"give the fingerprint that gpg --list-secret-keys shows")
	}
	s.fingerprint = found[0]
	return nil
}

// fingerprints are those of the primary keys in a list with colons: each is
// told by the first "fpr" record after a "sec", doc/DETAILS of GnuPG.
func fingerprints(list []byte) []string {
	var found []string
	primary := false
	for line := range strings.Lines(string(list)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		switch {
		case fields[0] == "sec":
			primary = true
		case fields[0] == "fpr" && primary && len(fields) > 9:
			found, primary = append(found, fields[9]), false
		}
	}
	return found
}

func (s *Signer) loadPublicKey(ctx context.Context) error {
	exported, err := s.gpg.run(ctx, call{arguments: []string{"--no-armor", "--export", "--", s.fingerprint}})
	if err != nil {
		return fmt.Errorf("reading the public key of %s: %w", s.fingerprint, err)
	}
	if s.public, _, err = signature.NewEphemeralGPGSigningMechanism(exported); err != nil {
		return fault.New(fault.Unsupported, fmt.Errorf("reading the public key of %s: %w", s.fingerprint, err))
	}
	return nil
}

// try signs what cannot be taken for an image's signature, with what Sign will
// use, and verifies it with what everybody will verify Sign's with.
func (s *Signer) try(ctx context.Context) error {
	content := []byte("csync: may this key be used?\n")
	signed, err := s.mechanism(ctx).SignWithPassphrase(content, s.key, s.options.Passphrase)
	if err != nil {
		return fmt.Errorf("trying the GPG key %s: %w", s.fingerprint, err)
	}
	verified, identity, err := s.public.Verify(signed)
	if err == nil && (identity != s.fingerprint || !bytes.Equal(verified, content)) {
		err = errors.New("what gpg signed is not one signature by this key")
	}
	if err != nil {
		return fault.New(fault.Unsupported, fmt.Errorf("trying the GPG key %s: %w", s.fingerprint, err))
	}
	return nil
}
