package gpg

import (
	"context"
	"fmt"

	"go.podman.io/image/v5/signature"

	"csync/sync/fault"
)

// mechanism is the library's way to a signature: what is read is read by the
// library, what is signed is signed by gpg. It lives for one call, whose
// context it carries because the library's interface has no room for one.
type mechanism struct {
	signature.SigningMechanism
	ctx context.Context
	gpg *program
}

func (s *Signer) mechanism(ctx context.Context) *mechanism {
	return &mechanism{SigningMechanism: s.public, ctx: ctx, gpg: s.gpg}
}

// SupportsSigning says yes, where the embedded mechanism says no.
func (m *mechanism) SupportsSigning() error { return nil }

// Sign makes a non-detached signature with a key that is unlocked, or that
// gpg-agent unlocks.
func (m *mechanism) Sign(input []byte, key string) ([]byte, error) {
	return m.SignWithPassphrase(input, key, "")
}

// SignWithPassphrase is Sign with a passphrase, unless that is empty. The
// library looks for this method.
func (m *mechanism) SignWithPassphrase(input []byte, key, passphrase string) ([]byte, error) {
	signed, err := m.gpg.run(m.ctx, call{
		arguments: []string{"--no-armor", "--local-user", key, "--output", "-", "--sign"},
		input:     input, passphrase: passphrase,
	})
	switch {
	case m.ctx.Err() != nil:
		return nil, m.ctx.Err()
	case err != nil && passphrase != "":
		return nil, fault.WithRemedy(fault.Denied, fmt.Errorf("gpg did not sign: %w", err), "check the --sign-passphrase-file")
	case err != nil:
		return nil, fault.WithRemedy(fault.Denied, fmt.Errorf("gpg did not sign: %w", err),
			"unlock the key in gpg-agent, or give --sign-passphrase-file")
	}
	return signed, nil
}
