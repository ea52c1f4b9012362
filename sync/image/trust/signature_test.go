package trust

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// asked is a store that counts how often it is asked, and fails at first.
type asked struct {
	times    int
	failures []error
}

func (a *asked) Signatures(context.Context, digest.Digest) ([]Signature, error) {
	a.times++
	if a.times <= len(a.failures) {
		return nil, a.failures[a.times-1]
	}
	return numbered(1), nil
}

func TestAStoreIsAskedOnceForEachManifest(t *testing.T) {
	t.Parallel()
	store := &asked{}
	once := &Once{Store: store}
	for range 3 {
		for _, d := range []digest.Digest{of, digest.FromString("other")} {
			found, err := once.Signatures(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, numbered(1), found)
		}
	}
	require.Equal(t, 2, store.times)
}

func TestAStoreThatFailedIsAskedAgainByTheNext(t *testing.T) {
	t.Parallel()
	store := &asked{failures: []error{errors.New("broken")}}
	once := &Once{Store: store}
	_, err := once.Signatures(t.Context(), of)
	require.ErrorContains(t, err, "broken")
	found, err := once.Signatures(t.Context(), of)
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestAReadThatAnotherHasCancelledIsReadAgain(t *testing.T) {
	t.Parallel()
	store := &asked{failures: []error{context.Canceled}}
	found, err := (&Once{Store: store}).Signatures(t.Context(), of)
	require.NoError(t, err)
	require.Len(t, found, 1)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store = &asked{failures: []error{context.Canceled}}
	_, err = (&Once{Store: store}).Signatures(ctx, of)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, store.times)
}

func TestADirectoryKeepsTheSignaturesOfEachManifest(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	instance, other := digest.FromString("instance"), digest.SHA512.FromString("instance")
	require.NoError(t, WriteDirectory(path, "", numbered(1, 2)))
	require.NoError(t, WriteDirectory(path, instance, attached(t, 3)))
	require.NoError(t, WriteDirectory(path, other, numbered(4)))
	store := Directory{Path: path, Top: of}
	for d, expected := range map[digest.Digest][]Signature{
		of: numbered(1, 2), instance: attached(t, 3), other: numbered(4), digest.FromString("none"): nil,
	} {
		found, err := store.Signatures(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, expected, found)
	}
	for _, name := range []string{"signature-1", "signature-2", instance.Encoded() + ".signature-1", "sha512-" + other.Encoded() + ".signature-1"} {
		require.FileExists(t, filepath.Join(path, name))
	}
	require.NoError(t, os.Mkdir(filepath.Join(path, "signature-3"), 0o700))
	_, err := store.Signatures(t.Context(), of)
	require.ErrorContains(t, err, "reading signature")
}
