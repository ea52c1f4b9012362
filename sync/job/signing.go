package job

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.podman.io/image/v5/pkg/cli"
	"go.podman.io/image/v5/pkg/cli/sigstore"
	"go.podman.io/image/v5/pkg/cli/sigstore/params"
	"go.podman.io/image/v5/signature/signer"
	sigstoresigner "go.podman.io/image/v5/signature/sigstore"
	"go.podman.io/image/v5/signature/simplesequoia"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/image/gpg"
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

// sign sets the copier up to sign. A run that only reads needs nobody's
// passphrase.
func (j *job) sign(ctx context.Context) error {
	s := j.Signing
	passphrase, err := s.passphrase()
	if err != nil {
		return err
	}
	j.copier.RemoveSignatures = s.Remove
	if j.readOnly() {
		return nil
	}
	if err := j.signByGPG(ctx, passphrase); err != nil {
		return err
	}
	if err := j.signByLibrary(passphrase); err != nil {
		j.closeSigners()
		return fault.New(fault.Input, fmt.Errorf("setting up signing: %w", err))
	}
	return nil
}

func (j *job) signByGPG(ctx context.Context, passphrase string) error {
	if j.Signing.By == "" {
		return nil
	}
	signer, err := gpg.New(ctx, j.Signing.By, passphrase)
	if err != nil {
		return fmt.Errorf("--sign-by: %w", err)
	}
	j.copier.Signers = append(j.copier.Signers, image.GPG{Signer: signer})
	return nil
}

// closeSigners gives the signers back.
func (j *job) closeSigners() {
	for _, s := range j.signers {
		_ = s.Close() // nothing was to be written by it
	}
	j.signers = nil
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

// signByLibrary adds the signers of containers/image.
func (j *job) signByLibrary(passphrase string) error {
	for _, add := range []func(string) error{j.signByParameters, j.signByPrivateKey, j.signBySequoia} {
		if err := add(passphrase); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) signByParameters(string) error {
	file := j.Signing.Parameters
	if file == "" {
		return nil
	}
	prompt := func(key string) (string, error) {
		return "", fmt.Errorf("the key %s has a passphrase, if an empty one; name a file with it as privateKeyPassphraseFile in %s", key, file)
	}
	options := &sigstore.Options{PrivateKeyPassphrasePrompt: prompt, Stdin: j.Input, Stdout: io.Discard}
	if j.Signing.Prompts != nil {
		options.Stdout = j.Signing.Prompts
	}
	made, err := sigstore.NewSignerFromParameterFile(file, options)
	if err != nil {
		return err
	}
	j.signers = append(j.signers, made)
	content, err := params.ParseFile(file)
	if err != nil {
		return err
	}
	if content.PrivateKeyFile == "" {
		j.add(made, image.AcceptsCertificates)
		return nil
	}
	passphrase := ""
	if content.PrivateKeyPassphraseFile != "" {
		if passphrase, err = cli.ReadPassphraseFile(content.PrivateKeyPassphraseFile); err != nil {
			return err
		}
	}
	return j.addKey(made, content.PrivateKeyFile, passphrase)
}

func (j *job) signByPrivateKey(passphrase string) error {
	file := j.Signing.PrivateKey
	if file == "" {
		return nil
	}
	made, err := sigstoresigner.NewSigner(sigstoresigner.WithPrivateKeyFile(file, []byte(passphrase)))
	if err != nil {
		return err
	}
	j.signers = append(j.signers, made)
	return j.addKey(made, file, passphrase)
}

func (j *job) signBySequoia(passphrase string) error {
	if j.Signing.Sequoia == "" {
		return nil
	}
	options := []simplesequoia.Option{simplesequoia.WithKeyFingerprint(j.Signing.Sequoia)}
	if passphrase != "" {
		options = append(options, simplesequoia.WithPassphrase(passphrase))
	}
	made, err := simplesequoia.NewSigner(options...) // which a static binary has not
	if err != nil {
		return err
	}
	j.signers = append(j.signers, made)
	j.add(made, image.AcceptsFingerprint(j.Signing.Sequoia))
	return nil
}

// addKey takes a signer whose own signatures the key in a file tells.
func (j *job) addKey(made *signer.Signer, file, passphrase string) error {
	public, err := image.PublicKey(file, []byte(passphrase))
	if err != nil {
		return err
	}
	accepts, err := image.AcceptsKey(public)
	if err != nil {
		return err
	}
	j.add(made, accepts)
	return nil
}

func (j *job) add(made *signer.Signer, accepts image.Accepts) {
	j.copier.Signers = append(j.copier.Signers, image.Library{Signer: made, Accepts: accepts})
}
