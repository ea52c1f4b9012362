package run_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"

	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// besideSkopeo is an image at a source with signatures, copied by csync and by
// skopeo to a registry each.
type besideSkopeo struct {
	t                    *testing.T
	lab                  *lab
	source, ours, theirs *registrytest.Registry
	lookasides           map[string]string
	image                registrytest.Image
	text, policy         string // the policy, and a file with it
}

func newBesideSkopeo(t *testing.T, image registrytest.Image, policy string) *besideSkopeo {
	t.Helper()
	b := &besideSkopeo{
		t: t, source: registrytest.Start(t), ours: registrytest.Start(t), theirs: registrytest.Start(t),
		image: image, text: policy, policy: filepath.Join(t.TempDir(), "policy.json"),
	}
	b.source.Push(t, "team/app", "1.0", image)
	b.lab = newLab(t, "docker://"+b.ours.Host())
	b.lookasides = keepSignatures(t, b.lab, b.source, b.ours, b.theirs)
	b.lab.options.Copier.Trust = &trust.Trust{Policy: policyOf(t, policy)}
	require.NoError(t, os.WriteFile(b.policy, []byte(policy), 0o600))
	return b
}

// skopeo copies by Debian's skopeo, and reports whether that has worked.
func (b *besideSkopeo) skopeo(all bool) (ok bool, said string) {
	b.t.Helper()
	arguments := []string{
		"--policy", b.policy, "--registries.d", b.lab.system.RegistriesDirPath, "--override-os", "linux", "--override-arch", "amd64",
		"copy", "--src-tls-verify=false", "--dest-tls-verify=false",
		"docker://" + b.source.Host() + "/team/app:1.0", "docker://" + b.theirs.Host() + "/team/app:1.0",
	}
	if all {
		arguments = append(arguments, "--all")
	}
	cmd := exec.Command(needProgram(b.t, "skopeo"), arguments...)
	cmd.Env = append(os.Environ(), "REGISTRY_AUTH_FILE="+filepath.Join(b.t.TempDir(), "none"))
	output, err := cmd.CombinedOutput()
	return err == nil, string(output)
}

// library copies by containers/image as csync has it, which is what the newest
// skopeo does.
func (b *besideSkopeo) library(all bool) (ok bool, said string) {
	b.t.Helper()
	err := b.lab.copyByLibrary(b.text, b.source.Host()+"/team/app:1.0", b.theirs.Host()+"/team/app:1.0", all)
	return err == nil, fmt.Sprint(err)
}

// copyByLibrary copies from one registry to another by containers/image alone.
func (l *lab) copyByLibrary(policyText, source, destination string, all bool) error {
	l.t.Helper()
	parsed, err := signature.NewPolicyFromBytes([]byte(policyText))
	require.NoError(l.t, err)
	policy, err := signature.NewPolicyContext(parsed)
	require.NoError(l.t, err)
	defer func() { require.NoError(l.t, policy.Destroy()) }()
	from, err := docker.ParseReference("//" + source)
	require.NoError(l.t, err)
	into, err := docker.ParseReference("//" + destination)
	require.NoError(l.t, err)
	sys := image.SystemChoosing(l.system, v1.Platform{OS: "linux", Architecture: "amd64"})
	sys.DockerInsecureSkipTLSVerify = types.OptionalBoolTrue
	sys.BlobInfoCacheDir = "/dev/null/none"
	options := &copy.Options{SourceCtx: sys, DestinationCtx: sys}
	if all {
		options.ImageListSelection = copy.CopyAllImages
	}
	_, err = copy.Image(l.t.Context(), policy, into, from, options)
	return err
}

// requireSame wants another to come to the same as csync, whatever that is.
func (b *besideSkopeo) requireSame(other func(all bool) (bool, string), all bool, result report.Result) {
	b.t.Helper()
	theirs, said := other(all)
	what := "csync: " + string(result.Status) + "\nthe other: " + said
	if result.Error != nil {
		what += "\ncsync: " + result.Error.Message
	}
	require.Equal(b.t, theirs, result.Status == report.Done, what)
	require.Equal(b.t, b.theirs.HasTag(b.t, "team/app", "1.0"), b.ours.HasTag(b.t, "team/app", "1.0"), what)
	require.Equal(b.t, filesIn(b.t, b.lookasides[b.theirs.Host()]), filesIn(b.t, b.lookasides[b.ours.Host()]), what)
	for _, d := range digests(b.image) {
		require.Equal(b.t, b.theirs.HasTag(b.t, "team/app", d.String()), b.ours.HasTag(b.t, "team/app", d.String()), what)
		require.ElementsMatch(b.t, b.lab.signatures(b.theirs, "team/app", d), b.lab.signatures(b.ours, "team/app", d), what)
	}
}

// signing is what is signed at a source, by a key that the policy trusts and one
// that it does not.
type signing func(b *besideSkopeo, trusted, stranger image.Signer)

func signings() map[string]signing {
	sign := func(b *besideSkopeo, signer image.Signer, tag string, top, below bool) {
		if top {
			b.lab.signOne(b.source, tag, b.image, signer)
		}
		for _, child := range b.image.Children {
			if below {
				b.lab.signOne(b.source, tag, child, signer)
			}
		}
	}
	return map[string]signing{
		"nothing":         func(*besideSkopeo, image.Signer, image.Signer) {},
		"everything":      func(b *besideSkopeo, trusted, _ image.Signer) { sign(b, trusted, "1.0", true, true) },
		"the top alone":   func(b *besideSkopeo, trusted, _ image.Signer) { sign(b, trusted, "1.0", true, false) },
		"what is below":   func(b *besideSkopeo, trusted, _ image.Signer) { sign(b, trusted, "1.0", false, true) },
		"by a stranger":   func(b *besideSkopeo, _, stranger image.Signer) { sign(b, stranger, "1.0", true, true) },
		"of another name": func(b *besideSkopeo, trusted, _ image.Signer) { sign(b, trusted, "2.0", true, true) },
		"by all, for both": func(b *besideSkopeo, trusted, stranger image.Signer) {
			for _, each := range []image.Signer{stranger, trusted} {
				sign(b, each, "2.0", true, true)
				sign(b, each, "1.0", true, true)
			}
		},
	}
}

// TestSignedImagesAreTakenAsSkopeoTakesThem runs Debian's skopeo, and what newer
// ones do: Debian's has the verification of sigstore's signatures taken out.
func TestSignedImagesAreTakenAsSkopeoTakesThem(t *testing.T) {
	if testing.Short() {
		t.Skip("runs skopeo very often")
	}
	t.Parallel()
	needProgram(t, "skopeo")
	gpg, strange := gpgOf(t, ours), gpgOf(t, theirs)
	public, sigstore := sigstoreOf(t, ours)
	_, stranger := sigstoreOf(t, theirs)
	simple := `{"type":"signedBy","keyType":"GPGKeys","keyPath":"` + gpg.public + `"`
	attached := `{"type":"sigstoreSigned","keyPath":"` + public + `"`
	for name, policy := range map[string]struct {
		requirement       string
		trusted, stranger image.Signer
		program           bool
	}{
		"signedBy":                    {simple + `}`, gpg, strange, true},
		"signedBy for the repository": {simple + `,"signedIdentity":{"type":"matchRepository"}}`, gpg, strange, true},
		"sigstoreSigned":              {attached + `}`, sigstore, stranger, false},
		"insecure":                    {`{"type":"insecureAcceptAnything"}`, gpg, strange, true},
		"insecure with both":          {`{"type":"insecureAcceptAnything"}`, gpg, sigstore, false}, // Debian's keeps sigstore's in lookasides, too
	} {
		for signed, sign := range signings() {
			for _, way := range []string{"image", "index", "instance"} {
				t.Run(name+"/"+signed+"/"+way, func(t *testing.T) {
					t.Parallel()
					made := registrytest.RandomImage(1)
					if way != "image" {
						made = registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
					}
					b := newBesideSkopeo(t, made, `{"default":[`+policy.requirement+`]}`)
					sign(b, policy.trusted, policy.stranger)
					if way == "instance" {
						b.lab.request.SelectSystem = system("amd64")
					}
					results := b.lab.sync(oneOf(b.source, "team/app", "1.0"))
					require.Len(t, results, 1)
					b.requireSame(b.library, way != "instance", results[0])
					if policy.program {
						b.requireSame(b.skopeo, way != "instance", results[0])
					}
				})
			}
		}
	}
}
