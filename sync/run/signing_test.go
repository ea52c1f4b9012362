package run_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/image/gpg"
	"csync/sync/image/trust"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// signedFile is where a lookaside keeps a signature.
var signedFile = regexp.MustCompile(`^/team/app@sha256=([0-9a-f]{64})/signature-1$`)

// requireVerified wants every manifest of an image to have one signature, good
// to gpg and to skopeo.
func (k gpgKey) requireVerified(t *testing.T, r *registrytest.Registry, lookaside string, made registrytest.Image) {
	t.Helper()
	name, found := r.Host()+"/team/app:1.0", map[digest.Digest]bool{}
	for path, content := range filesIn(t, lookaside) {
		match := signedFile.FindStringSubmatch(path)
		require.NotNil(t, match, path)
		signed := digest.NewDigestFromEncoded(digest.SHA256, match[1])
		found[signed] = true
		k.run(t, []byte(content), "--verify")
		var claim struct {
			Critical struct {
				Identity map[string]string
				Image    map[string]digest.Digest
			}
		}
		require.NoError(t, json.Unmarshal([]byte(k.run(t, []byte(content), "--decrypt")), &claim))
		require.Equal(t, name, claim.Critical.Identity["docker-reference"])
		require.Equal(t, signed, claim.Critical.Image["docker-manifest-digest"])

		manifest := filepath.Join(t.TempDir(), "manifest.json")
		require.NoError(t, os.WriteFile(manifest, r.Manifest(t, "team/app", signed.String()), 0o600))
		cmd := exec.Command(needProgram(t, "skopeo"), "standalone-verify", manifest, name, k.fingerprint, lookaside+path)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+k.home)
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	for _, d := range digests(made) {
		require.True(t, found[d], d)
	}
	require.Len(t, found, len(digests(made)))
}

// skopeoTakes has skopeo copy what a registry has under a policy.
func skopeoTakes(t *testing.T, l *lab, r *registrytest.Registry, policyText string) {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(policyText), 0o600))
	output, err := exec.Command(needProgram(t, "skopeo"), "--policy", policy, "--registries.d", l.system.RegistriesDirPath,
		"copy", "--all", "--src-tls-verify=false", "docker://"+r.Host()+"/team/app:1.0", "dir:"+t.TempDir()).CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func TestImagesAreSignedByGPGOnceWhereverTheyWere(t *testing.T) {
	key := gpgOf(t, ours)
	t.Setenv("GNUPGHOME", key.home)
	signer, err := gpg.New(t.Context(), key.fingerprint, "")
	require.NoError(t, err)
	policy := `{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"` + key.public + `"}]}`
	for name, made := range map[string]registrytest.Image{"an image": one(1), "an index": several(1)} {
		for _, before := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " in place"}[before], func(t *testing.T) {
				s := newSignedCopy(t, made, before)
				s.options.Copier.Signers = []image.Signer{image.GPG{Signer: signer}}
				s.requireSigned()
				key.requireVerified(t, s.destination, s.lookasides[s.destination.Host()], made)
				skopeoTakes(t, s.lab, s.destination, policy)
			})
		}
	}
}

func TestImagesAreSignedByASigstoreKeyOnceWhereverTheyWere(t *testing.T) {
	t.Parallel()
	public, signer := sigstoreOf(t, ours)
	policy := `{"default":[{"type":"sigstoreSigned","keyPath":"` + public + `"}]}`
	for name, made := range map[string]registrytest.Image{"an image": one(1), "an index": several(1)} {
		for _, before := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " in place"}[before], func(t *testing.T) {
				t.Parallel()
				s := newSignedCopy(t, made, before)
				s.options.Copier.Signers = []image.Signer{signer}
				s.requireSigned()
				for _, d := range digests(made) {
					require.Len(t, s.signatures(s.destination, "team/app", d), 1)
				}
				require.NoError(t, s.copyByLibrary(policy, s.destination.Host()+"/team/app:1.0", s.source.Host()+"/taken:1.0", true))
			})
		}
	}
}

func TestASignatureOfAnotherNameIsNotTheSigners(t *testing.T) {
	t.Parallel()
	public, signer := sigstoreOf(t, ours)
	s := newSignedCopy(t, one(1), false)
	s.options.Copier.Signers = []image.Signer{signer}
	s.requireSigned()
	s.request.Naming.Suffix = "-again"
	policy := `{"default":[{"type":"sigstoreSigned","keyPath":"` + public + `","signedIdentity":{"type":"matchExact"}}]}`

	requireAll(t, report.Done, s.sync(s.file))

	require.NoError(t, s.copyByLibrary(policy, s.destination.Host()+"/team/app:1.0", s.source.Host()+"/taken:1.0", true))
	require.NoError(t, s.copyByLibrary(policy, s.destination.Host()+"/team/app:1.0-again", s.source.Host()+"/taken:1.0", true))
	requireAll(t, report.Unchanged, s.sync(s.file))
}

func TestSigningWhereNoSignaturesAreKeptIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	_, signer := sigstoreOf(t, ours)
	for _, transport := range []string{"dir:", "oci:"} {
		for _, before := range []bool{false, true} {
			t.Run(transport+map[bool]string{true: " in place"}[before], func(t *testing.T) {
				t.Parallel()
				source, directory := registrytest.Start(t), t.TempDir()
				source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
				l := newLab(t, transport+directory+"/out")
				if before {
					requireAll(t, report.Done, l.sync(oneOf(source, "team/app", "1.0")))
				}
				there := filesIn(t, directory)
				l.options.Copier.Signers = []image.Signer{signer}
				source.Reset()

				results := l.sync(oneOf(source, "team/app", "1.0"))

				requireFailure(t, results[0], fault.Unsupported, fault.Destination, "only images at registries can be signed")
				require.Equal(t, there, filesIn(t, directory))
				require.Zero(t, source.Count(registrytest.BlobGet))
			})
		}
	}
}

// newSignedCopy is a copy to a registry that is to be signed there, of an image
// that may be there already.
func newSignedCopy(t *testing.T, made registrytest.Image, before bool) *inPlace {
	t.Helper()
	if before {
		return newInPlace(t, made)
	}
	p := &inPlace{source: registrytest.Start(t), destination: registrytest.Start(t)}
	p.source.Push(t, "team/app", "1.0", made)
	p.lab, p.file = newLab(t, "docker://"+p.destination.Host()), oneOf(p.source, "team/app", "1.0")
	p.lookasides = keepSignatures(t, p.lab, p.source, p.destination)
	return p
}

// requireSigned wants one run to sign, and the next to find that nothing lacks.
func (p *inPlace) requireSigned() {
	p.t.Helper()
	requireAll(p.t, report.Done, p.sync(p.file))
	signed := filesIn(p.t, p.lookasides[p.destination.Host()])
	for range 2 { // with a memory, and without
		p.reset()
		requireAll(p.t, report.Unchanged, p.sync(p.file))
		require.Empty(p.t, writes(p.destination, "team/app"))
		require.Equal(p.t, signed, filesIn(p.t, p.lookasides[p.destination.Host()]))
		p.options.Copier.Trust = &trust.Trust{Policy: trust.AcceptAnything()}
	}
}

func TestASignatureIsToldByItsFingerprintNameAndManifest(t *testing.T) {
	t.Parallel()
	key, other := gpgOf(t, ours), gpgOf(t, theirs)
	name := func(name string) reference.Named {
		named, err := reference.ParseNormalizedNamed(name)
		require.NoError(t, err)
		return named
	}
	wanted := image.Signing{Manifest: registry.Manifest{Descriptor: one(1).Descriptor()}, Name: name("q.io/a:1")}
	for what, test := range map[string]struct {
		signer   gpgKey
		signing  image.Signing
		accepted bool
	}{
		"its own":          {key, wanted, true},
		"another key":      {other, wanted, false},
		"another name":     {key, image.Signing{Manifest: wanted.Manifest, Name: name("q.io/a:2")}, false},
		"another manifest": {key, image.Signing{Manifest: registry.Manifest{Descriptor: one(2).Descriptor()}, Name: wanted.Name}, false},
	} {
		made, err := test.signer.Sign(t.Context(), test.signing)
		require.NoError(t, err)
		accepted, err := image.AcceptsFingerprint(key.fingerprint)(t.Context(), wanted, []trust.Signature{trust.Signature("\xa3"), made})
		require.NoError(t, err)
		require.Equal(t, test.accepted, accepted, what)
	}
}
