package job_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/signature/sigstore"
	"go.podman.io/image/v5/types"

	"csync/sync/job"
)

func TestWhatAPromotionSignsIsSignedBeforeALabelNamesIt(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	directory := t.TempDir()
	pair, err := sigstore.GenerateKeyPair([]byte("secret"))
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		"key": pair.PrivateKey, "passphrase": []byte("secret\n"), "here.yaml": []byte("default-docker: {use-sigstore-attachments: true}\n"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(directory, name), content, 0o600))
	}
	r.options.Registry.System = &types.SystemContext{RegistriesDirPath: directory}
	r.options.Signing = job.Signing{PrivateKey: filepath.Join(directory, "key"), PassphraseFile: filepath.Join(directory, "passphrase")}
	var unsigned []string
	for i, d := range r.destinations {
		d.Intercept(func(_ http.ResponseWriter, request *http.Request) bool {
			name, labelled := strings.CutSuffix(strings.TrimPrefix(request.URL.Path, fmt.Sprintf("/v2/mirror%d/openstack-", i)), "/manifests/"+label)
			if labelled && request.Method == http.MethodPut && !d.HasTag(t, fmt.Sprintf("mirror%d/openstack-%s", i, name), strings.Replace(r.at(i, name, hash), ":", "-", 1)+".sig") {
				unsigned = append(unsigned, request.URL.Path)
			}
			return false
		})
	}

	require.Empty(t, failures(r.promote()))

	require.Empty(t, unsigned)
	require.NotEmpty(t, r.at(1, "base", strings.Replace(r.at(1, "base", hash+"_manifest"), ":", "-", 1)+".sig"), "indexes as well")
	require.False(t, r.promote().Changed, "nothing is signed twice")
	require.NotContains(t, strings.Join(r.source.Tags(t, "tripleomaster/openstack-base"), " "), ".sig", "signed is what was promoted, not where from")
}

func TestTheJournalIsOfOnePromotionAtATime(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	var second error
	var begun atomic.Bool
	r.destinations[0].Intercept(func(http.ResponseWriter, *http.Request) bool {
		if _, err := os.Stat(r.journal); err == nil && !begun.Swap(true) {
			other := *r
			other.promotion.Resume = true
			_, second = other.try()
		}
		return false
	})

	require.Empty(t, failures(r.promote()))

	require.ErrorContains(t, second, "another promotion is using it")
}
