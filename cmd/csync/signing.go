package main

import (
	"github.com/spf13/pflag"

	"csync/sync/job"
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

// options are the flags as a job takes them. What a person has to read to log
// in is no result.
func (f *signingFlags) options(io streams) job.Signing {
	return job.Signing{
		By: f.by, Sequoia: f.sequoia, Parameters: f.parameters, PrivateKey: f.privateKey,
		PassphraseFile: f.passphraseFile, Remove: f.remove, Prompts: io.err,
	}
}
