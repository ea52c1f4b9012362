package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"go.podman.io/image/v5/pkg/cli"
	"go.podman.io/image/v5/pkg/cli/sigstore"
	"go.podman.io/image/v5/signature/signer"
	sigstoresigner "go.podman.io/image/v5/signature/sigstore"
	"go.podman.io/image/v5/signature/simplesequoia"

	"csync/sync/fault"
	"csync/sync/image"
)

// signingFlags are skopeo's flags for signing what is written.
type signingFlags struct {
	by, parameters, privateKey, sequoia, passphraseFile string
	remove                                              bool
}

var signingFlagNames = []string{
	"remove-signatures", "sign-by", "sign-by-sigstore", "sign-by-sigstore-private-key", "sign-by-sq-fingerprint", "sign-passphrase-file",
}

func (f *signingFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.remove, "remove-signatures", false, "leave the source's signatures behind")
	flags.StringVar(&f.by, "sign-by", "", "sign with the GPG key `FINGERPRINT`")
	flags.StringVar(&f.parameters, "sign-by-sigstore", "", "sign as the sigstore parameter `FILE` says")
	flags.StringVar(&f.privateKey, "sign-by-sigstore-private-key", "", "sign with the sigstore private key in `FILE`")
	flags.StringVar(&f.sequoia, "sign-by-sq-fingerprint", "", "sign with the Sequoia-PGP key `FINGERPRINT`")
	flags.StringVar(&f.passphraseFile, "sign-passphrase-file", "", "read the key's passphrase from `FILE`")
}

// apply sets the copier up to sign. close gives the signers back.
func (f *signingFlags) apply(copier *image.Copier, io streams) (closeSigners func(), err error) {
	copier.RemoveSignatures, copier.SignBy = f.remove, f.by
	consumers := 0
	for _, key := range []string{f.by, f.privateKey, f.sequoia} {
		if key != "" {
			consumers++
		}
	}
	var passphrase string
	if f.passphraseFile != "" {
		if consumers > 1 {
			return nil, fault.New(fault.Input, errors.New("only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can take the --sign-passphrase-file"))
		}
		if passphrase, err = cli.ReadPassphraseFile(f.passphraseFile); err != nil {
			return nil, fault.New(fault.Input, fmt.Errorf("reading --sign-passphrase-file: %w", err))
		}
	}
	copier.SignPassphrase = passphrase
	if copier.Signers, err = f.signers(passphrase, io); err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("setting up signing: %w", err))
	}
	return func() {
		for _, s := range copier.Signers {
			_ = s.Close() // nothing was to be written by it
		}
	}, nil
}

func (f *signingFlags) signers(passphrase string, streams streams) ([]*signer.Signer, error) {
	var signers []*signer.Signer
	add := func(s *signer.Signer, err error) error {
		if err == nil {
			signers = append(signers, s)
		}
		return err
	}
	if f.parameters != "" {
		prompt := func(key string) (string, error) {
			return "", fmt.Errorf("the key %s has a passphrase, if an empty one; name a file with it as privateKeyPassphraseFile in %s", key, f.parameters)
		}
		// What a person has to read to log in is no result.
		options := &sigstore.Options{PrivateKeyPassphrasePrompt: prompt, Stdin: streams.in, Stdout: streams.err}
		if err := add(sigstore.NewSignerFromParameterFile(f.parameters, options)); err != nil {
			return nil, err
		}
	}
	if f.privateKey != "" {
		if err := add(sigstoresigner.NewSigner(sigstoresigner.WithPrivateKeyFile(f.privateKey, []byte(passphrase)))); err != nil {
			return nil, err
		}
	}
	if f.sequoia != "" {
		options := []simplesequoia.Option{simplesequoia.WithKeyFingerprint(f.sequoia)}
		if passphrase != "" {
			options = append(options, simplesequoia.WithPassphrase(passphrase))
		}
		if err := add(simplesequoia.NewSigner(options...)); err != nil {
			return nil, err
		}
	}
	return signers, nil
}
