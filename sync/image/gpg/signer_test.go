package gpg

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/signature"

	"csync/sync/fault"
)

const (
	name       = "q.io/a/b:1"
	passphrase = "correct horse battery staple"
	nobody     = "/bin/false" // a pinentry that asks nobody
)

var manifest = []byte(`{"schemaVersion": 2}`)

// home makes an empty home of gpg, where passphrases are quickly tried and asked
// for with pinentry. Its path is short, as a socket's has to be.
func home(t *testing.T, pinentry string) {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "gpg is not installed: run \"make setup\"")
		t.Skip("no gpg; run make setup")
	}
	top, err := os.MkdirTemp("/tmp", "gpg")
	require.NoError(t, err)
	agent := "s2k-count 65536\npinentry-program " + pinentry + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(top, "gpg-agent.conf"), []byte(agent), 0o600))
	t.Setenv("GNUPGHOME", top)
	t.Setenv("GPG_TTY", "/dev/null")
	t.Cleanup(func() {
		require.NoError(t, exec.Command("gpgconf", "--kill", "gpg-agent").Run())
		require.NoError(t, os.RemoveAll(top))
	})
}

// newKey makes a key for a user and returns its fingerprint.
func newKey(t *testing.T, user, secret string) string {
	t.Helper()
	run(t, "", "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", secret, "--quick-gen-key", user, "ed25519", "sign")
	found := fingerprints([]byte(run(t, "", "gpg", "--batch", "--with-colons", "--list-secret-keys", user)))
	require.Len(t, found, 1)
	return found[0]
}

// forget has gpg-agent ask for passphrases again.
func forget(t *testing.T) {
	t.Helper()
	run(t, "", "gpgconf", "--reload", "gpg-agent")
}

func run(t *testing.T, input, program string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &stderr
	output, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	return string(output)
}

// script puts an executable in front of what PATH has under its name.
func script(t *testing.T, name, text string) {
	t.Helper()
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte("#!/bin/sh\n"+text), 0o755)) //nolint:gosec // it is a program
	t.Setenv("PATH", directory+":"+os.Getenv("PATH"))
}

// requireSigned requires that gpg and the library both find the signature good.
func requireSigned(t *testing.T, sig []byte, fingerprint string) {
	t.Helper()
	require.Contains(t, run(t, string(sig), "gpg", "--batch", "--quiet", "--decrypt"), `"docker-reference":"`+name+`"`)
	run(t, string(sig), "gpg", "--batch", "--verify")
	mechanism, _, err := signature.NewEphemeralGPGSigningMechanism([]byte(run(t, "", "gpg", "--batch", "--export", fingerprint)))
	require.NoError(t, err)
	verified, err := signature.VerifyDockerManifestSignature(sig, manifest, name, mechanism, fingerprint)
	require.NoError(t, err)
	require.Equal(t, name, verified.DockerReference)
}

func TestAKeyWithoutPassphraseSigns(t *testing.T) {
	home(t, nobody)
	fingerprint := newKey(t, "open@q.io", "")
	for _, key := range []string{fingerprint, fingerprint[24:], "open@q.io"} {
		signer, err := New(t.Context(), key, "")
		require.NoError(t, err)
		sig, err := signer.Sign(t.Context(), manifest, name)
		require.NoError(t, err)
		requireSigned(t, sig, fingerprint)
	}
}

func TestAKeySignsWithItsPassphrase(t *testing.T) {
	home(t, nobody)
	fingerprint := newKey(t, "locked@q.io", passphrase)
	forget(t)
	signer, err := New(t.Context(), fingerprint, passphrase)
	require.NoError(t, err)
	forget(t)
	sig, err := signer.Sign(t.Context(), manifest, name)
	require.NoError(t, err)
	requireSigned(t, sig, fingerprint)
}

func TestManySignaturesAreMadeAtOnce(t *testing.T) {
	home(t, nobody)
	fingerprint := newKey(t, "locked@q.io", passphrase)
	signer, err := New(t.Context(), fingerprint, passphrase)
	require.NoError(t, err)
	const many = 24
	failures := make(chan error, many)
	for range many {
		go func() {
			sig, err := signer.Sign(t.Context(), manifest, name)
			if err == nil {
				err = signer.Verify(sig, manifest, name)
			}
			failures <- err
		}()
	}
	for range many {
		require.NoError(t, <-failures)
	}
}

func TestGPGAgentAsksForAPassphraseThatWasNotGiven(t *testing.T) {
	pinentry := filepath.Join(t.TempDir(), "pinentry")
	require.NoError(t, os.WriteFile(pinentry, []byte("#!/bin/sh\necho OK\nwhile read -r line; do\n"+
		"case $line in GETPIN*) echo 'D "+passphrase+"';; esac\necho OK\ndone\n"), 0o755)) //nolint:gosec // it is a program
	home(t, pinentry)
	fingerprint := newKey(t, "locked@q.io", passphrase)
	forget(t)
	signer, err := New(t.Context(), fingerprint, "")
	require.NoError(t, err)
	sig, err := signer.Sign(t.Context(), manifest, name)
	require.NoError(t, err)
	requireSigned(t, sig, fingerprint)
}

func TestASignatureIsVerifiedForItsManifestAndName(t *testing.T) {
	home(t, nobody)
	signer, err := New(t.Context(), newKey(t, "open@q.io", ""), "")
	require.NoError(t, err)
	other, err := New(t.Context(), newKey(t, "other@q.io", ""), "")
	require.NoError(t, err)
	sig, err := signer.Sign(t.Context(), manifest, name)
	require.NoError(t, err)
	require.NoError(t, signer.Verify(sig, manifest, name))
	require.Error(t, signer.Verify(sig, manifest, "q.io/a/b:2"))
	require.Error(t, signer.Verify(sig, []byte("{}"), name))
	require.Error(t, signer.Verify(sig[:40], manifest, name))
	require.Error(t, other.Verify(sig, manifest, name))
}

func TestAKeyThatCannotSignIsRefusedAtOnce(t *testing.T) {
	home(t, nobody)
	fingerprint := newKey(t, "locked@q.io", passphrase)
	newKey(t, "locked@q.io.example", passphrase)
	for _, test := range []struct {
		name, key, passphrase, says string
		kind                        fault.Kind
	}{
		{"a wrong passphrase", fingerprint, "wrong", "Bad passphrase: exit status 2; check the --sign-passphrase-file", fault.Denied},
		{"none where nobody can be asked", fingerprint, "", "or give --sign-passphrase-file", fault.Denied},
		{"a key that is not there", "nobody@q.io", "", `no secret GPG key "nobody@q.io"`, fault.Input},
		{"a key that looks like an option", "--version", "", `no secret GPG key "--version"`, fault.Input},
		{"a name of two keys", "locked", passphrase, `2 secret GPG keys are named "locked"`, fault.Input},
		{"no key", "", "", "no GPG key", fault.Input},
		{"a passphrase of two lines", fingerprint, "a\nb", "one line", fault.Input},
		{"a passphrase beyond gpg-agent's", fingerprint, strings.Repeat("x", 256), "256 bytes", fault.Input},
	} {
		t.Run(test.name, func(t *testing.T) {
			forget(t)
			_, err := New(t.Context(), test.key, test.passphrase)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, test.kind, fault.KindOf(err), "%v", err)
		})
	}
}

func TestWithoutGPGTheErrorSaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := New(t.Context(), "open@q.io", "")
	require.ErrorContains(t, err, "install GnuPG")
	require.Equal(t, fault.Input, fault.KindOf(err))
}

func TestThePassphraseIsInNoArgumentOrVariable(t *testing.T) {
	home(t, nobody)
	fingerprint := newKey(t, "locked@q.io", passphrase)
	gpg, err := exec.LookPath("gpg")
	require.NoError(t, err)
	seen := filepath.Join(t.TempDir(), "seen")
	t.Setenv("SEEN", seen)
	script(t, "gpg", `cat /proc/$$/cmdline /proc/$$/environ >>"$SEEN"; exec `+gpg+` "$@"`)
	signer, err := New(t.Context(), fingerprint, passphrase)
	require.NoError(t, err)
	_, err = signer.Sign(t.Context(), manifest, name)
	require.NoError(t, err)
	content, err := os.ReadFile(seen)
	require.NoError(t, err)
	require.Contains(t, string(content), "--passphrase-fd")
	require.NotContains(t, string(content), passphrase)
}

func TestGPGEndsWithTheContext(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "started")
	run(t, "", "mkfifo", fifo)
	t.Setenv("STARTED", fifo)
	script(t, "gpg", `echo started >"$STARTED"; exec sleep 600`)
	program, err := findProgram()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := program.run(ctx, call{passphrase: passphrase})
		ended <- err
	}()
	_, err = os.ReadFile(fifo)
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
