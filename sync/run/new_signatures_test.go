package run_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/memory"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// files serves a directory, and notes what it is asked for.
type files struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serveFiles(t *testing.T, directory string) *files {
	t.Helper()
	f := &files{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asked = append(f.asked, req.URL.Path[strings.LastIndex(req.URL.Path, "=")+1:])
		http.FileServer(http.Dir(directory)).ServeHTTP(w, req)
	}))
	t.Cleanup(f.Close)
	return f
}

// since returns what was asked for since the last time, sorted.
func (f *files) since() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = nil
	slices.Sort(asked)
	return asked
}

func (f *files) host() string { return strings.TrimPrefix(f.URL, "http://") }

// inPlace is an image at a source and a destination, which has no signature yet.
type inPlace struct {
	*lab
	source, destination *registrytest.Registry
	lookasides          map[string]string
	file                string
}

func newInPlace(t *testing.T, i registrytest.Image) *inPlace {
	t.Helper()
	p := &inPlace{source: registrytest.Start(t), destination: registrytest.Start(t)}
	p.source.Push(t, "team/app", "1.0", i)
	p.lab = newLab(t, "docker://"+p.destination.Host())
	p.lookasides = keepSignatures(t, p.lab, p.source, p.destination)
	p.file = oneOf(p.source, "team/app", "1.0")
	requireAll(t, report.Done, p.sync(p.file))
	return p
}

func (p *inPlace) reset() {
	p.source.Reset()
	p.destination.Reset()
}

// requireAdded wants a run to copy new signatures and nothing else.
func (p *inPlace) requireAdded(images ...registrytest.Image) {
	p.t.Helper()
	p.reset()
	results := p.sync(p.file)
	requireAll(p.t, report.Done, results)
	require.Equal(p.t, "signatures added", results[0].Reason)
	require.True(p.t, results[0].Verified)
	for _, write := range writes(p.destination, "team/app") {
		require.True(p.t, strings.Contains(write, "/blobs/uploads/") || strings.HasSuffix(write, ".sig"), write)
	}
	for _, i := range images {
		for _, d := range digests(i) {
			expected := p.signatures(p.source, "team/app", d)
			require.NotEmpty(p.t, expected)
			require.Equal(p.t, expected, p.signatures(p.destination, "team/app", d))
		}
	}
}

// requireNothing wants a run to find everything in place, for so many HEADs at
// each registry and no other request.
func (p *inPlace) requireNothing(source, destination int) {
	p.t.Helper()
	p.reset()
	requireAll(p.t, report.Unchanged, p.sync(p.file))
	for r, expected := range map[*registrytest.Registry]int{p.source: source, p.destination: destination} {
		require.Len(p.t, r.Log(), expected, r.Counts())
		require.Equal(p.t, expected, r.Count(registrytest.ManifestHead), r.Counts())
	}
}

func TestNewSignaturesOfAnImageInPlaceAreCopied(t *testing.T) {
	t.Parallel()
	key, other := gpgOf(t, ours), gpgOf(t, theirs)
	_, attached := sigstoreOf(t, ours)
	_, further := sigstoreOf(t, theirs)
	single, index := registrytest.RandomImage(1), registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	for name, made := range map[string]registrytest.Image{"of an image": single, "of an index and its instances": index, "nested": nested(1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newInPlace(t, made)
			manifests := len(digests(made))
			p.requireNothing(1+manifests, 1)
			p.sign(p.source, "team/app", key)
			p.requireAdded(made)
			p.requireNothing(1+manifests, 1)
			p.sign(p.source, "team/app", other, attached)
			p.requireAdded(made)
			p.requireNothing(1+manifests, 1+manifests)
			p.sign(p.source, "team/app", further)
			p.requireAdded(made)
			p.requireNothing(1+manifests, 1+manifests)
		})
	}
}

func TestRemovedSignaturesAreNotLookedFor(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	_, attached := sigstoreOf(t, ours)
	p := newInPlace(t, registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	p.sign(p.source, "team/app", key, attached)
	p.options.Copier.RemoveSignatures = true

	p.requireNothing(1, 1)

	require.Empty(t, filesIn(t, p.lookasides[p.destination.Host()]))
}

func TestAnUnchangedRunOfSignedImagesAsksForNoManifest(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	p := newInPlace(t, registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	p.sign(p.source, "team/app", key)
	web := serveFiles(t, p.lookasides[p.source.Host()])
	writeRegistriesD(t, p.lab, "docker:\n  '"+p.source.Host()+"': {lookaside: '"+web.URL+"'}\n"+
		"  '"+p.destination.Host()+"': {lookaside: 'file://"+p.lookasides[p.destination.Host()]+"'}\n")
	path := filepath.Join(t.TempDir(), "admitted.json")
	remembering := func() *trust.Trust {
		admitted, err := memory.Open[trust.Admission](path)
		require.NoError(t, err)
		return &trust.Trust{
			Policy:   policyOf(t, `{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"`+key.public+`"}]}`),
			Admitted: admitted,
		}
	}
	p.options.Copier.Trust = remembering()
	first := p.sync(p.file)
	requireAll(t, report.Done, first)
	require.NoError(t, p.options.Copier.Trust.Admitted.Save())
	web.since()

	p.options.Copier.Trust = remembering()
	p.requireNothing(1, 1)

	asked := web.since()
	require.Len(t, asked, 6, "of three manifests, the signature that is known, and the one behind it: %s", asked)
}

func TestSignaturesCountAsReadAndWritten(t *testing.T) {
	t.Parallel()
	key := gpgOf(t, ours)
	_, attached := sigstoreOf(t, ours)
	for name, signer := range map[string]image.Signer{"simple": key, "attached": attached} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			made := registrytest.RandomImage(1)
			source.Push(t, "team/app", "1.0", made)
			l := newLab(t, "docker://"+destination.Host())
			lookasides := keepSignatures(t, l, source, destination)
			l.sign(source, "team/app", signer)
			web := serveFiles(t, lookasides[source.Host()])
			writeRegistriesD(t, l, "docker:\n  '"+source.Host()+"': {lookaside: '"+web.URL+"', use-sigstore-attachments: true}\n"+
				"  '"+destination.Host()+"': {lookaside: 'file://"+lookasides[destination.Host()]+"', use-sigstore-attachments: true}\n")
			source.Reset()
			destination.Reset()

			results := l.sync(oneOf(source, "team/app", "1.0"))

			requireAll(t, report.Done, results)
			var read, written int64
			for _, request := range source.Log() {
				if request.Status == http.StatusOK {
					read += request.ResponseBytes
				}
			}
			for _, request := range destination.Log() {
				written += request.RequestBytes
			}
			for path, content := range filesIn(t, lookasides[source.Host()]) {
				require.True(t, strings.HasSuffix(path, "/signature-1"))
				read += int64(len(content))
			}
			require.Equal(t, read, results[0].BytesRead)
			require.Equal(t, written, results[0].BytesWritten)
			require.Equal(t, int64(len(web.since())), l.client.Requests()[web.host()])
		})
	}
}
