package run_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/signature"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// policyOf parses a policy.json.
func policyOf(t *testing.T, text string) *signature.Policy {
	t.Helper()
	policy, err := signature.NewPolicyFromBytes([]byte(text))
	require.NoError(t, err)
	return policy
}

func TestThePolicyDecidesBeforeAnyBlobMoves(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "bad/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	source.Push(t, "bad/chart", "1.0", registrytest.Artifact(nil, "application/vnd.example.chart"))
	source.Push(t, "good/app", "1.0", registrytest.RandomImage(2))
	l := newLab(t, "docker://"+destination.Host())
	l.options.Copier.Trust.Policy = policyOf(t, fmt.Sprintf(
		`{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{%q:[{"type":"reject"}]}}}`, source.Host()+"/bad"))

	results := l.sync(allOf(source, "bad/app", "bad/chart", "good/app"))

	for _, result := range results[:2] {
		requireFailure(t, result, fault.Policy, fault.Source, "rejected", source.Host()+"/bad")
	}
	require.Equal(t, report.Done, results[2].Status)
	require.Empty(t, destination.Tags(t, "bad/app"))
	require.Empty(t, destination.Tags(t, "bad/chart"))
	require.Equal(t, 3, source.Count(registrytest.BlobGet), "the good image's")
}

func TestAPolicyThatWantsSignaturesRejectsWhatHasNone(t *testing.T) {
	t.Parallel()
	for name, requirement := range map[string]func(string) string{
		"signedBy": func(string) string { return `{"type":"signedBy","keyType":"GPGKeys","keyData":"bm9uZQ=="}` },
		"sigstoreSigned": func(key string) string {
			return fmt.Sprintf(`{"type":"sigstoreSigned","keyPath":%q}`, key)
		},
	} {
		for _, transport := range []string{"docker", "dir"} {
			t.Run(name+" into "+transport, func(t *testing.T) {
				t.Parallel()
				source, destination, directory := registrytest.Start(t), registrytest.Start(t), t.TempDir()
				source.Push(t, "app", "1.0", registrytest.RandomImage(1))
				key, _ := sigstoreOf(t, ours)
				l := newLab(t, map[string]string{"docker": "docker://" + destination.Host(), "dir": "dir:" + directory}[transport])
				l.options.Copier.Trust.Policy = policyOf(t, `{"default":[`+requirement(key)+`]}`)

				results := l.sync(oneOf(source, "app", "1.0"))

				requireFailure(t, results[0], fault.Policy, fault.Source, "app:1.0")
				require.Empty(t, destination.Tags(t, "app"))
				require.Empty(t, entriesOf(t, directory))
				require.Zero(t, destination.BlobBytesWritten())
			})
		}
	}
}

func TestRequireSignedRefusesWhatAPolicyTakesUnsigned(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+destination.Host())
	l.options.Copier.Trust.RequireSigned = true

	results := l.sync(oneOf(source, "app", "1.0"))

	requireFailure(t, results[0], fault.Policy, fault.Source, "app:1.0")
	require.Empty(t, destination.Tags(t, "app"))
}

func TestASignatureIsMadeCarriedAndDemanded(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		image registrytest.Image
		lines string
		into  string
	}{
		"of an image into a registry":           {registrytest.RandomImage(1), "", "docker"},
		"of an image into a directory":          {registrytest.RandomImage(1), "", "dir"},
		"of an index into a registry":           {registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"), "", "docker"},
		"of two platforms into a registry":      {spaced(registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64", "linux/s390x")), "csync: {platforms: [amd64, s390x]}", "docker"},
		"of one platform into a docker-archive": {registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"), "csync: {platforms: [arm64]}", "docker-archive"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, signedAt, destination, directory := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t), t.TempDir()
			source.Push(t, "app", "1.0", c.image)
			public, signer := sigstoreOf(t, ours)
			signing := newLab(t, "docker://"+signedAt.Host())
			useAttachments(t, signing)
			signing.options.Copier.Signers = append(signing.options.Copier.Signers, signer)
			requireAll(t, report.Done, signing.sync(oneOf(source, "app", "1.0")))
			place := map[string]string{"docker": "docker://" + destination.Host(), "dir": "dir:" + directory, "docker-archive": "docker-archive:" + directory + "/a.tar"}[c.into]
			demanding := newLab(t, place)
			useAttachments(t, demanding)
			demanding.options.Copier.RemoveSignatures = c.into == "docker-archive" // which has no place for them
			demanding.options.Copier.Trust.Policy = policyOf(t, fmt.Sprintf(
				`{"default":[{"type":"sigstoreSigned","keyPath":%q,"signedIdentity":{"type":"matchRepoDigestOrExact"}}]}`, public))

			results := demanding.sync(oneOf(signedAt, "app", "1.0", c.lines))

			requireAll(t, report.Done, results)
			if c.into == "docker" {
				require.Equal(t, results[0].Digest, destination.Digest(t, "app", "1.0"))
				require.Greater(t, len(destination.Tags(t, "app")), 1, "the signatures come along")
				requireAll(t, report.Unchanged, demanding.sync(oneOf(signedAt, "app", "1.0", c.lines)))
			}
		})
	}
}

// spaced is an index with more white space than anyone would write.
func spaced(index registrytest.Image) registrytest.Image {
	index.Manifest = bytes.ReplaceAll(index.Manifest, []byte(","), []byte(",\n\t  "))
	return index
}

// useAttachments has the lab's registries keep sigstore's signatures.
func useAttachments(t *testing.T, l *lab) {
	t.Helper()
	l.system.RegistriesDirPath = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(l.system.RegistriesDirPath, "default.yaml"),
		[]byte("default-docker: {use-sigstore-attachments: true}\n"), 0o600))
}
