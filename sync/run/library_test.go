package run_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

const chosenPlatforms = "csync: {platforms: [amd64, s390x]}"

// pushSpaced pushes an index that the library would write in other bytes once it
// has left a platform out.
func pushSpaced(t *testing.T, source *registrytest.Registry) {
	t.Helper()
	source.Push(t, "app", "1.0", spaced(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x")))
}

func TestChosenPlatformsAreSignedAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushSpaced(t, source)
	public, signer := sigstoreOf(t, ours)
	l := newLab(t, "docker://"+destination.Host())
	useAttachments(t, l)
	l.options.Copier.Signers = append(l.options.Copier.Signers, signer)

	requireAll(t, report.Done, l.sync(oneOf(source, "app", "1.0", chosenPlatforms)))

	demanding := newLab(t, "dir:"+t.TempDir())
	useAttachments(t, demanding)
	demanding.options.Copier.Trust.Policy = policyOf(t, `{"default":[{"type":"sigstoreSigned","keyPath":"`+public+`"}]}`)
	requireAll(t, report.Done, demanding.sync(oneOf(destination, "app", "1.0")))
}

func TestTheTagOfChosenPlatformsMovesOnceWhereSignaturesMayBe(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushSpaced(t, source)
	l := newLab(t, "docker://"+destination.Host())
	useAttachments(t, l)

	results := l.sync(oneOf(source, "app", "1.0", chosenPlatforms))

	requireAll(t, report.Done, results)
	require.True(t, results[0].Verified)
	var written []string
	for _, request := range destination.Log() {
		if request.Method == http.MethodPut && strings.Contains(request.Path, "/manifests/") {
			written = append(written, request.Path)
		}
	}
	require.Len(t, written, 3)
	require.True(t, strings.HasSuffix(written[2], "/1.0"), "the tag comes last: %s", written)
	require.Equal(t, results[0].Digest, destination.Digest(t, "app", "1.0"))
}

func TestADirectoryGetsTheIndexThatWasPlannedByteForByte(t *testing.T) {
	t.Parallel()
	source, destination, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
	pushSpaced(t, source)
	l := newLab(t, "dir:"+directory, "docker://"+destination.Host())
	useAttachments(t, l)

	results := l.sync(oneOf(source, "app", "1.0", chosenPlatforms))

	requireAll(t, report.Done, results)
	require.Equal(t, results[1].Digest, results[0].Digest)
}

func TestATagThatMovesIsCopiedAsItWasPlannedWhereSignaturesMayBe(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"docker", "dir"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, destination, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
			planned := registrytest.RandomImage(1)
			source.Push(t, "app", "1.0", planned)
			destination.Push(t, "app", "1.0", registrytest.RandomImage(9))
			l := newLab(t, map[string]string{"docker": "docker://" + destination.Host(), "dir": "dir:" + directory}[transport])
			useAttachments(t, l)
			p := l.plan(oneOf(source, "app", "1.0"))
			source.Push(t, "app", "1.0", registrytest.RandomImage(2))

			l.run(t.Context(), p)

			if transport == "docker" { // a new directory's source is not looked at before
				requireAll(t, report.Done, p.Results())
				require.Equal(t, planned.Digest(), p.Results()[0].Digest)
			}
		})
	}
}

func TestTheLibrarysErrorsSayWhereAndWhatHappened(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		code   string
		kind   fault.Kind
	}{
		"who asks is not known":          {http.StatusUnauthorized, "UNAUTHORIZED", fault.Unauthorized},
		"who asks is refused":            {http.StatusForbidden, "DENIED", fault.Denied},
		"it is not there":                {http.StatusNotFound, "NAME_UNKNOWN", fault.NotFound},
		"the registry has a bad day":     {http.StatusInternalServerError, "UNKNOWN", fault.Network},
		"the registry is being repaired": {http.StatusServiceUnavailable, "UNAVAILABLE", fault.Network},
	}
	for name, c := range cases {
		for _, side := range []fault.Side{fault.Source, fault.Destination} {
			t.Run(name+" at the "+string(side), func(t *testing.T) {
				t.Parallel()
				source, destination := registrytest.Start(t), registrytest.Start(t)
				source.Push(t, "destination/app", "1.0", registrytest.RandomImage(1))
				l := newLab(t, "docker://"+destination.Host())
				useAttachments(t, l)
				if side == fault.Source {
					source.Intercept(answering(registrytest.BlobGet, c.status, c.code))
				} else {
					destination.Intercept(answering(registrytest.UploadStart, c.status, c.code))
				}

				results := l.sync(oneOf(source, "destination/app", "1.0"))

				requireFailure(t, results[0], c.kind, side)
			})
		}
	}
}

func TestAResultIsVerifiedOnlyWhereItWasSeen(t *testing.T) {
	t.Parallel()
	for transport, verified := range map[string]bool{"dir:": true, "oci:": true, "oci-archive:": true, "docker-archive:": false} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			source, path := registrytest.Start(t), filepath.Join(t.TempDir(), "shelf")
			source.Push(t, "app", "1.0", registrytest.RandomImage(1))

			results := newLab(t, transport+path).sync(oneOf(source, "app", "1.0"))

			requireAll(t, report.Done, results)
			require.Equal(t, verified, results[0].Verified)
		})
	}
}

func TestSignaturesAreLookedForByTagWhereRegistriesdNamesOne(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	pushTags(t, source, "app", "1.0", "2.0")
	_, signer := sigstoreOf(t, ours)
	signing := newLab(t, "docker://"+source.Host())
	useAttachments(t, signing)
	signing.options.Copier.Signers = append(signing.options.Copier.Signers, signer)
	signedAt := registrytest.Start(t)
	signing.places = append(signing.places[:0], signing.place("docker://"+signedAt.Host()))
	requireAll(t, report.Done, signing.sync(allOf(source, "app")))
	l := newLab(t, "docker://"+destination.Host())
	l.jobs = 1
	useAttachments(t, l)
	require.NoError(t, os.WriteFile(filepath.Join(l.system.RegistriesDirPath, "default.yaml"), []byte(
		"default-docker: {use-sigstore-attachments: true}\ndocker:\n  "+signedAt.Host()+"/app: {use-sigstore-attachments: false}\n  "+
			signedAt.Host()+"/app:2.0: {use-sigstore-attachments: true}\n"), 0o600))

	requireAll(t, report.Done, l.sync(signedAt.Host()+":\n  images:\n    app: ['1.0', '2.0']\n"))

	signatures := 0
	for _, tag := range destination.Tags(t, "app") {
		if strings.HasSuffix(tag, ".sig") {
			signatures++
		}
	}
	require.Equal(t, 1, signatures, "of 2.0 alone: %s", destination.Tags(t, "app"))
}
