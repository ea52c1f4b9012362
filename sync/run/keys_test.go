package run_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/signature/signer"
	"go.podman.io/image/v5/signature/sigstore"

	"csync/sync/image"
)

// owner is whose keys are meant. Each has two, made once for all tests, when the
// first one asks: making one takes longer than most tests do.
type owner string

const (
	ours   owner = "ours"
	theirs owner = "theirs"
)

var (
	gpgKeys      = map[owner]func() (gpgKey, error){ours: sync.OnceValues(makeGPGKey), theirs: sync.OnceValues(makeGPGKey)}
	sigstoreKeys = map[owner]func() (sigstoreKey, error){ours: sync.OnceValues(makeSigstoreKey), theirs: sync.OnceValues(makeSigstoreKey)}
)

// gpgHomes are below a directory with a short name, as the path of a socket has
// to be.
var gpgHomes = sync.OnceValues(func() (string, error) { return os.MkdirTemp("/tmp", "gpg") })

// removeKeys ends what the keys have started.
func removeKeys() error {
	top, err := gpgHomes()
	if err != nil {
		return err
	}
	homes, err := filepath.Glob(filepath.Join(top, "*"))
	for _, home := range homes {
		err = errors.Join(err, exec.Command("gpgconf", "--homedir", home, "--kill", "gpg-agent").Run())
	}
	return errors.Join(err, os.RemoveAll(top))
}

// gpgOf is an owner's key for simple signatures.
func gpgOf(t testing.TB, who owner) gpgKey {
	t.Helper()
	needProgram(t, "gpg")
	key, err := gpgKeys[who]()
	require.NoError(t, err)
	return key
}

func makeGPGKey() (k gpgKey, err error) {
	top, err := gpgHomes()
	if err != nil {
		return k, err
	}
	if k.home, err = os.MkdirTemp(top, ""); err != nil {
		return k, err
	}
	if _, err := k.gpg(nil, "--passphrase", "", "--quick-gen-key", "ci@q.io", "ed25519", "sign"); err != nil {
		return k, err
	}
	listed, err := k.gpg(nil, "--with-colons", "--list-secret-keys")
	if err != nil {
		return k, err
	}
	for line := range strings.Lines(string(listed)) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" && k.fingerprint == "" {
			k.fingerprint = fields[9]
		}
	}
	exported, err := k.gpg(nil, "--export")
	if err != nil {
		return k, err
	}
	k.public = filepath.Join(k.home, "key.gpg")
	return k, os.WriteFile(k.public, exported, 0o600)
}

// sigstoreKey is a key for sigstore's signatures, and what signs with it.
type sigstoreKey struct {
	public []byte
	signer *signer.Signer
}

// sigstoreOf is the public half of an owner's key, in a file, and what signs with
// the other one.
func sigstoreOf(t *testing.T, who owner) (public string, signer image.Signer) {
	t.Helper()
	key, err := sigstoreKeys[who]()
	require.NoError(t, err)
	public = filepath.Join(t.TempDir(), "key.pub")
	require.NoError(t, os.WriteFile(public, key.public, 0o600))
	accepts, err := image.AcceptsKey(key.public)
	require.NoError(t, err)
	return public, image.Library{Signer: key.signer, Accepts: accepts}
}

func makeSigstoreKey() (k sigstoreKey, err error) {
	pair, err := sigstore.GenerateKeyPair([]byte("passphrase"))
	if err != nil {
		return k, err
	}
	directory, err := os.MkdirTemp("", "")
	if err != nil {
		return k, err
	}
	private := filepath.Join(directory, "key")
	if err := os.WriteFile(private, pair.PrivateKey, 0o600); err != nil {
		return k, err
	}
	k.public = pair.PublicKey
	k.signer, err = sigstore.NewSigner(sigstore.WithPrivateKeyFile(private, []byte("passphrase")))
	return k, errors.Join(err, os.RemoveAll(directory))
}
