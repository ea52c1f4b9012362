package job

import (
	"errors"
	"fmt"
	"io"

	"go.podman.io/image/v5/pkg/cli"
	"go.podman.io/image/v5/pkg/cli/sigstore"
	"go.podman.io/image/v5/signature/signer"
	sigstoresigner "go.podman.io/image/v5/signature/sigstore"
	"go.podman.io/image/v5/signature/simplesequoia"

	"csync/sync/fault"
)

// Signing says how what is written is signed, in the words of skopeo's flags.
type Signing struct {
	// By is a GPG key, Sequoia one of Sequoia-PGP.
	By, Sequoia string
	// Parameters and PrivateKey are sigstore's files.
	Parameters, PrivateKey string
	// PassphraseFile has the passphrase of the one key that needs it.
	PassphraseFile string
	// Remove leaves the source's signatures behind.
	Remove bool
	// Prompts gets what a person has to read to log in for a key; nil: nobody
	// does.
	Prompts io.Writer
}

// sign sets the copier up to sign.
func (j *job) sign() error {
	s := j.Signing
	passphrase, err := s.passphrase()
	if err != nil {
		return err
	}
	j.copier.RemoveSignatures, j.copier.SignBy, j.copier.SignPassphrase = s.Remove, s.By, passphrase
	if j.copier.Signers, err = s.signers(passphrase, j.Input); err != nil {
		return fault.New(fault.Input, fmt.Errorf("setting up signing: %w", err))
	}
	return nil
}

// closeSigners gives the signers back.
func (j *job) closeSigners() {
	for _, s := range j.copier.Signers {
		_ = s.Close() // nothing was to be written by it
	}
}

// passphrase is the one in the file, of which there can be one.
func (s Signing) passphrase() (string, error) {
	if s.PassphraseFile == "" {
		return "", nil
	}
	consumers := 0
	for _, key := range []string{s.By, s.PrivateKey, s.Sequoia} {
		if key != "" {
			consumers++
		}
	}
	if consumers > 1 {
		return "", fault.New(fault.Input, errors.New("only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can take the --sign-passphrase-file"))
	}
	passphrase, err := cli.ReadPassphraseFile(s.PassphraseFile)
	if err != nil {
		return "", fault.New(fault.Input, fmt.Errorf("reading --sign-passphrase-file: %w", err))
	}
	return passphrase, nil
}

func (s Signing) signers(passphrase string, in io.Reader) ([]*signer.Signer, error) {
	var signers []*signer.Signer
	add := func(s *signer.Signer, err error) error {
		if err == nil {
			signers = append(signers, s)
		}
		return err
	}
	if s.Parameters != "" {
		prompt := func(key string) (string, error) {
			return "", fmt.Errorf("the key %s has a passphrase, if an empty one; name a file with it as privateKeyPassphraseFile in %s", key, s.Parameters)
		}
		options := &sigstore.Options{PrivateKeyPassphrasePrompt: prompt, Stdin: in, Stdout: io.Discard}
		if s.Prompts != nil {
			options.Stdout = s.Prompts
		}
		if err := add(sigstore.NewSignerFromParameterFile(s.Parameters, options)); err != nil {
			return nil, err
		}
	}
	if s.PrivateKey != "" {
		if err := add(sigstoresigner.NewSigner(sigstoresigner.WithPrivateKeyFile(s.PrivateKey, []byte(passphrase)))); err != nil {
			return nil, err
		}
	}
	if s.Sequoia != "" {
		options := []simplesequoia.Option{simplesequoia.WithKeyFingerprint(s.Sequoia)}
		if passphrase != "" {
			options = append(options, simplesequoia.WithPassphrase(passphrase))
		}
		if err := add(simplesequoia.NewSigner(options...)); err != nil {
			return nil, err
		}
	}
	return signers, nil
}
