package run_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/manifest"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// signedSource is a run that wants a signed image, in a registry or, without one,
// in another place.
func signedSource(t *testing.T, made registrytest.Image, destination *registrytest.Registry, place string, signers ...image.Signer) *inPlace {
	t.Helper()
	p := &inPlace{source: registrytest.Start(t), destination: destination}
	registries := []*registrytest.Registry{p.source}
	if destination != nil {
		place, registries = "docker://"+destination.Host(), append(registries, destination)
	}
	p.source.Push(t, "team/app", "1.0", made)
	p.lab, p.file = newLab(t, place), oneOf(p.source, "team/app", "1.0")
	p.lookasides = keepSignatures(t, p.lab, registries...)
	p.sign(p.source, "team/app", signers...)
	return p
}

// skopeoCopies has skopeo copy what the source has into a place.
func (l *lab) skopeoCopies(source *registrytest.Registry, place string) error {
	l.t.Helper()
	return exec.Command(needProgram(l.t, "skopeo"), "--insecure-policy", "--registries.d", l.system.RegistriesDirPath,
		"copy", "--all", "--src-tls-verify=false", "docker://"+source.Host()+"/team/app:1.0", place).Run()
}

func TestADirectoryHasTheFilesThatSkopeoMakes(t *testing.T) {
	t.Parallel()
	key, other := gpgOf(t, ours), gpgOf(t, theirs)
	for name, made := range map[string]registrytest.Image{"an image": one(1), "an index": several(1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			p := signedSource(t, made, nil, "dir:"+directory, key)
			requireAll(t, report.Done, p.sync(p.file))
			p.requireSkopeos(filepath.Join(directory, "team", "app:1.0"))
			p.sign(p.source, "team/app", other)
			requireAll(t, report.Done, p.sync(p.file)) // in place, with a signature that is new
			p.requireSkopeos(filepath.Join(directory, "team", "app:1.0"))
		})
	}
}

// requireSkopeos wants a directory to be the one that skopeo makes, and to be in
// place.
func (p *inPlace) requireSkopeos(ours string) {
	p.t.Helper()
	theirs := filepath.Join(p.t.TempDir(), "theirs")
	require.NoError(p.t, p.skopeoCopies(p.source, "dir:"+theirs))
	require.Equal(p.t, filesIn(p.t, theirs), filesIn(p.t, ours))
	requireAll(p.t, report.Unchanged, p.sync(p.file))
}

func TestALayoutTakesNoSignatures(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	_, attached := sigstoreOf(t, ours)
	for name, signer := range map[string]image.Signer{"simple": key, "sigstore's": attached} {
		for _, kind := range []string{"oci:", "oci-archive:"} {
			t.Run(name+" into "+kind, func(t *testing.T) {
				t.Parallel()
				p := signedSource(t, one(1), nil, kind+t.TempDir()+"/shelf", signer)

				results := p.sync(p.file)

				requireFailure(t, results[0], fault.Unsupported, fault.Destination, "--remove-signatures")
				require.Error(t, p.skopeoCopies(p.source, "oci:"+t.TempDir()+"/shelf:1"))
				p.options.Copier.RemoveSignatures = true
				requireAll(t, report.Done, p.sync(p.file))
			})
		}
	}
}

func TestRemovedSignaturesStayBehind(t *testing.T) {
	t.Parallel()
	_, attached := sigstoreOf(t, ours)
	directory := t.TempDir()
	p := signedSource(t, several(1), registrytest.Start(t), "", gpgOf(t, ours), attached)
	p.places = append(p.places, p.place("dir:"+directory))
	p.options.Copier.RemoveSignatures = true

	requireAll(t, report.Done, p.sync(p.file))

	require.Empty(t, filesIn(t, p.lookasides[p.destination.Host()]))
	require.Equal(t, []string{"1.0"}, p.destination.Tags(t, "team/app"))
	for name := range filesIn(t, directory) {
		require.NotContains(t, name, "signature")
	}
}

func TestASignedImageStaysAsItIs(t *testing.T) {
	t.Parallel()
	made := one(1)
	p := signedSource(t, made, registrytest.Start(t), "", gpgOf(t, ours))
	p.options.Copier.Format, p.request.Format = manifest.DockerV2Schema2MediaType, manifest.DockerV2Schema2MediaType

	results := p.sync(p.file)

	requireAll(t, report.Done, results)
	require.Equal(t, made.Digest(), results[0].Digest)
	require.Len(t, p.signatures(p.destination, "team/app", made.Digest()), 1)
	p.options.Copier.RemoveSignatures = true
	results = p.sync(p.file)
	requireAll(t, report.Done, results)
	require.Equal(t, manifest.DockerV2Schema2MediaType, results[0].MediaType)
}

func TestWhatIsSignedInPartIsSignedWholeAndOnce(t *testing.T) {
	t.Parallel()
	_, first := sigstoreOf(t, ours)
	_, second := sigstoreOf(t, theirs)
	made := several(1)
	p := newInPlace(t, made)
	p.signOne(p.destination, "1.0", made, first)
	p.signOne(p.destination, "1.0", made.Children[0], second)
	p.options.Copier.Signers = []image.Signer{first, second}

	p.requireSigned()

	for _, d := range digests(made) {
		require.Len(t, p.signatures(p.destination, "team/app", d), 2)
	}
}
