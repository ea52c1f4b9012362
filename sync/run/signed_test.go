package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
)

// gpgKey is a key of its own, in a home of its own. It signs as an
// [image.Signer], by what containers-signature(5) says and not by csync's code.
type gpgKey struct{ home, fingerprint, public string }

// needProgram fails a test that cannot do without one.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "%s is needed: run \"make setup\"", name)
	return path
}

func (k gpgKey) gpg(input []byte, arguments ...string) ([]byte, error) {
	cmd := exec.Command("gpg", append([]string{"--homedir", k.home, "--batch", "--quiet"}, arguments...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, &stderr)
	}
	return output, err
}

func (k gpgKey) run(t testing.TB, input []byte, arguments ...string) string {
	t.Helper()
	output, err := k.gpg(input, arguments...)
	require.NoError(t, err)
	return string(output)
}

func (k gpgKey) Sign(_ context.Context, s image.Signing) (trust.Signature, error) {
	claim := map[string]any{
		"critical": map[string]any{
			"type": "atomic container signature", "identity": map[string]any{"docker-reference": s.Name.String()},
			"image": map[string]any{"docker-manifest-digest": s.Manifest.Digest},
		},
		"optional": map[string]any{"creator": "a test"},
	}
	text, err := json.Marshal(claim)
	if err != nil {
		return nil, err
	}
	return k.gpg(text, "--sign")
}

func (k gpgKey) Signed(context.Context, image.Signing, []trust.Signature) (bool, error) {
	return false, nil
}

// keepSignatures gives each registry a lookaside of its own, in a directory that
// it returns by the registry's host, and sigstore's attachments.
func keepSignatures(t *testing.T, l *lab, registries ...*registrytest.Registry) map[string]string {
	t.Helper()
	places, text := map[string]string{}, "docker:\n"
	for _, r := range registries {
		places[r.Host()] = t.TempDir()
		text += fmt.Sprintf("  %q: {lookaside: 'file://%s', use-sigstore-attachments: true}\n", r.Host(), places[r.Host()])
	}
	writeRegistriesD(t, l, text)
	return places
}

// writeRegistriesD configures where the lab's registries keep signatures.
func writeRegistriesD(t *testing.T, l *lab, text string) {
	t.Helper()
	l.system.RegistriesDirPath = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(l.system.RegistriesDirPath, "here.yaml"), []byte(text), 0o600))
	l.options.Copier.Homes = &trust.Homes{System: l.system, Fetch: l.client.Fetch}
}

// sign signs what a registry has as 1.0, with all below it.
func (l *lab) sign(r *registrytest.Registry, repository string, signers ...image.Signer) {
	l.t.Helper()
	location, err := l.place("docker://" + r.Host()).Location(image.Name{Path: repository, Tag: "1.0"})
	require.NoError(l.t, err)
	root, err := location.Repository.Manifest(l.t.Context(), "1.0")
	require.NoError(l.t, err)
	copier := &image.Copier{Homes: l.options.Copier.Homes, Signers: signers}
	_, err = copier.Sign(l.t.Context(), location, root)
	require.NoError(l.t, err)
}

// signOne signs one manifest of team/app under a tag.
func (l *lab) signOne(r *registrytest.Registry, tag string, m registrytest.Image, signer image.Signer) {
	l.t.Helper()
	location, err := l.place("docker://" + r.Host()).Location(image.Name{Path: "team/app", Tag: tag})
	require.NoError(l.t, err)
	home, err := l.options.Copier.Homes.Of(location.Reference, location.Repository)
	require.NoError(l.t, err)
	has, err := home.Signatures(l.t.Context(), m.Digest())
	require.NoError(l.t, err)
	made, err := signer.Sign(l.t.Context(), image.Signing{
		Manifest: registry.Manifest{Descriptor: m.Descriptor(), Bytes: m.Manifest},
		Name:     location.Reference.DockerReference().(reference.NamedTagged), Repository: location.Repository,
	})
	require.NoError(l.t, err)
	_, err = home.Add(l.t.Context(), trust.Addition{Of: m.Digest(), Has: has, More: []trust.Signature{made}})
	require.NoError(l.t, err)
}

// signatures are those of a manifest at a registry.
func (l *lab) signatures(r *registrytest.Registry, repository string, of digest.Digest) []trust.Signature {
	l.t.Helper()
	location, err := l.place("docker://" + r.Host()).Location(image.Name{Path: repository, Digest: of})
	require.NoError(l.t, err)
	home, err := l.options.Copier.Homes.Of(location.Reference, location.Repository)
	require.NoError(l.t, err)
	found, err := home.Signatures(l.t.Context(), of)
	require.NoError(l.t, err)
	return found
}

// writes are the requests that change something in a repository.
func writes(r *registrytest.Registry, repository string) []string {
	var found []string
	for _, request := range r.Log() {
		if request.Repository == repository && request.Method != "GET" && request.Method != "HEAD" {
			found = append(found, request.Method+" "+request.Path)
		}
	}
	return found
}

// digests are those of an image's manifests, its own first.
func digests(i registrytest.Image) []digest.Digest {
	all := []digest.Digest{i.Digest()}
	for _, child := range i.Children {
		all = append(all, digests(child)...)
	}
	return all
}

// filesIn are the files below a directory, by their names there.
func filesIn(t testing.TB, directory string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, directory)] = string(content)
		return err
	}))
	return found
}
