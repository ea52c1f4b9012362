// Package gpg makes simple signatures with the gpg program of the machine, as
// the library's own OpenPGP, which a static binary has, can only verify. Keys
// stay in gpg's hands: its home is $GNUPGHOME or ~/.gnupg, and gpg-agent asks
// for a passphrase that was not given.
package gpg
