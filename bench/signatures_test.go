package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// signed is the signatures of a source, "q.io", with 2 repositories of 2 tags.
func signed(t *testing.T) *signatures {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "gpg is not installed: run \"make setup\"")
		t.Skip("no gpg; run make setup")
	}
	address, err := url.Parse(fresh(t).URL)
	require.NoError(t, err)
	images := repositories(2, 2, nil, []int64{10})
	require.NoError(t, newFiller(address.Host, "").fill(t.Context(), images))
	scratch, err := os.MkdirTemp("/tmp", "bench-") // short, as the path of a socket has to be
	require.NoError(t, err)
	t.Cleanup(func() { remove(scratch) })
	s, err := newSignatures(t.Context(), scratch, &registry{addresses: addresses{Far: "q.io", Near: address.Host}}, images)
	require.NoError(t, err)
	s.server = &registry{addresses: addresses{Far: "lookaside.example.com"}}
	return s
}

func TestEverySecondImageIsSignedByTheKeyOfThePolicy(t *testing.T) {
	t.Parallel()
	s := signed(t)
	require.Len(t, s.paths, 2)
	home := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(home, 0o700))
	g := gpg{home}
	_, err := g.run(t.Context(), nil, "--import", s.key)
	require.NoError(t, err)
	for _, reference := range []string{"q.io/team/app-01:1.1", "q.io/team/app-02:1.1"} {
		claim, err := g.run(t.Context(), nil, "--decrypt", filepath.Join(s.directory, s.paths[reference]))
		require.NoError(t, err)
		require.Contains(t, string(claim), `"docker-reference":"`+reference+`"`)
	}
}

func TestSignaturesThatAreNotTheSourcesAreMissing(t *testing.T) {
	t.Parallel()
	s := signed(t)
	lookaside := t.TempDir()
	require.Equal(t, 2, s.missing(lookaside))
	require.NoError(t, os.CopyFS(filepath.Join(lookaside, prefix), os.DirFS(s.directory)))
	require.Zero(t, s.missing(lookaside))
	require.NoError(t, os.WriteFile(filepath.Join(lookaside, prefix, s.paths["q.io/team/app-01:1.1"]), nil, 0o600))
	require.Equal(t, 1, s.missing(lookaside))
}

func TestATaskWithoutSignaturesTrustsAllImages(t *testing.T) {
	t.Parallel()
	options, err := task{}.trust()
	require.NoError(t, err)
	require.Equal(t, []string{"--insecure-policy"}, options)
}

func TestAPolicyWantsTheSignaturesThatThereAre(t *testing.T) {
	t.Parallel()
	k := task{source: "q.io", destinations: []string{"m.io"}, directory: t.TempDir(), signatures: signed(t)}
	options, err := k.trust()
	require.NoError(t, err)
	require.Equal(t, []string{"--policy", filepath.Join(k.directory, "policy.json"), "--registries.d", filepath.Join(k.directory, "registries.d")}, options)
	policy, err := os.ReadFile(options[1])
	require.NoError(t, err)
	require.Contains(t, string(policy), `"q.io/team/app-01:1.1"`)
	require.NotContains(t, string(policy), `"q.io/team/app-01:1.0"`)
	places, err := os.ReadFile(filepath.Join(options[3], "bench.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(places), `"lookaside": "http://lookaside.example.com"`)
	require.Contains(t, string(places), `"lookaside-staging": "file://`+k.lookaside()+`"`)
}

func TestADirectoryIsServedInsteadOfARegistry(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, "signature-1"), []byte("signed"), 0o600))
	served, err := newContent(t.Context(), "", directory)
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	served.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/signature-1", nil))
	require.Equal(t, "signed", answer.Body.String())
}
