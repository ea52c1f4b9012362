package run_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/memory"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// twofold is an image that also lists another one, as an index would.
func twofold(t *testing.T, listed registrytest.Image) registrytest.Image {
	t.Helper()
	made := registrytest.RandomImage(66)
	var manifest map[string]any
	require.NoError(t, json.Unmarshal(made.Manifest, &manifest))
	manifest["manifests"] = []v1.Descriptor{listed.Descriptor()}
	var err error
	made.Manifest, err = json.Marshal(manifest)
	require.NoError(t, err)
	made.Children = []registrytest.Image{listed}
	return made
}

// asIndex serves an image's manifest as if it were an index.
func asIndex(made registrytest.Image, tag string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/manifests/"+tag) && !strings.HasSuffix(req.URL.Path, "/manifests/"+made.Digest().String()) {
			return false
		}
		w.Header().Set("Content-Type", v1.MediaTypeImageIndex)
		w.Header().Set("Docker-Content-Digest", made.Digest().String())
		w.Header().Set("Content-Length", fmt.Sprint(len(made.Manifest)))
		if req.Method == http.MethodGet {
			_, _ = w.Write(made.Manifest)
		}
		return true
	}
}

func TestAnImageThatListsASignedOneIsNotTakenForIt(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	for _, how := range []string{"retagged", "within a registry", "between registries", "served as an index"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			source, other := registrytest.Start(t), registrytest.Start(t)
			signed := registrytest.RandomImage(1)
			made := twofold(t, signed)
			source.Push(t, "team/app", "1.0", signed)
			source.Push(t, "team/app", "other", made)
			place := map[string]string{"within a registry": source.Host() + "/elsewhere", "retagged": source.Host()}[how]
			if place == "" {
				place = other.Host()
			}
			l := newLab(t, "docker://"+place)
			if how == "retagged" {
				l.request.Naming.Suffix = "-promoted"
			}
			keepSignatures(t, l, source)
			l.sign(source, "team/app", key)
			l.options.Copier.Trust = &trust.Trust{Admitted: memory.New[trust.Admission](), Policy: policyOf(t, fmt.Sprintf(
				`{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":%q,"signedIdentity":{"type":"matchRepository"}}]}`, key.public))}
			if how == "served as an index" {
				source.Intercept(asIndex(made, "other"))
			}

			results := l.sync(oneOf(source, "team/app", "other"))

			require.Equal(t, report.Failed, results[0].Status)
			require.Contains(t, []fault.Kind{fault.Unsupported, fault.Policy}, results[0].Error.Kind, results[0].Error.Message)
			require.Equal(t, fault.Source, results[0].Error.Side)
			require.Empty(t, other.Tags(t, "team/app"))
			require.ElementsMatch(t, []string{"1.0", "other"}, source.Tags(t, "team/app"))
		})
	}
}

func TestEveryNameOfAnImageKeepsItsSignature(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	_, attached := sigstoreOf(t, ours)
	for name, signer := range map[string]image.Signer{"in a lookaside": key, "attached": attached} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			made := registrytest.RandomImage(1)
			for i := range 6 {
				source.Push(t, "team/app", fmt.Sprintf("%d.0", i), made)
			}
			l := newLab(t, "docker://"+destination.Host())
			keepSignatures(t, l, source, destination)
			l.options.Copier.Signers = []image.Signer{signer}

			requireAll(t, report.Done, l.sync(allOf(source, "team/app")))

			require.Len(t, l.signatures(destination, "team/app", made.Digest()), 6)
		})
	}
}

func TestAnIndexThatWasCutIsSignedAgainWhereItLostItsSignature(t *testing.T) {
	t.Parallel()
	_, signer := sigstoreOf(t, ours)
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "team/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x"))
	l := newLab(t, "docker://"+destination.Host())
	keepSignatures(t, l, source, destination)
	l.options.Copier.Signers = []image.Signer{signer}
	file := oneOf(source, "team/app", "1.0", "csync: {platforms: [amd64, arm64]}")
	requireAll(t, report.Done, l.sync(file))
	requireAll(t, report.Unchanged, l.sync(file))
	root := destination.Digest(t, "team/app", "1.0")
	destination.Delete(t, "team/app", strings.Replace(root.String(), ":", "-", 1)+".sig") // cosign's SIGNATURE_SPEC

	requireAll(t, report.Done, l.sync(file))

	require.Len(t, l.signatures(destination, "team/app", root), 1)
	requireAll(t, report.Unchanged, l.sync(file))
}

func TestNewSignaturesOfADirectoryReachAnImageInPlace(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	source, destination, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
	source.Push(t, "team/app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "dir:"+directory)
	keepSignatures(t, l, source, destination)
	requireAll(t, report.Done, l.sync(oneOf(source, "team/app", "1.0")))
	l.places = []image.Place{l.place("docker://" + destination.Host())}
	requireAll(t, report.Done, l.syncImages("dir:"+directory))
	l.sign(source, "team/app", key)
	l.request.Images = nil
	l.places = []image.Place{l.place("dir:" + directory)}
	requireAll(t, report.Done, l.sync(oneOf(source, "team/app", "1.0")))
	l.places = []image.Place{l.place("docker://" + destination.Host())}

	results := l.syncImages("dir:" + directory)

	requireAll(t, report.Done, results)
	require.Len(t, l.signatures(destination, "team/app", results[0].Digest), 1)
	requireAll(t, report.Unchanged, l.syncImages("dir:"+directory))
}

func TestADestinationThatHidesItsSignaturesIsTheOneAtFault(t *testing.T) {
	t.Parallel()
	_, signer := sigstoreOf(t, ours)
	p := newInPlace(t, registrytest.RandomImage(1))
	p.sign(p.source, "team/app", signer)
	p.destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		hidden := strings.HasSuffix(req.URL.Path, ".sig")
		if hidden {
			w.WriteHeader(http.StatusForbidden)
		}
		return hidden
	})

	requireFailure(t, p.sync(p.file)[0], fault.Denied, fault.Destination)
}
