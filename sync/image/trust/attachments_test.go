package trust

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
)

// homeOf is the home of the signatures of team/app.
func homeOf(t *testing.T, r *registrytest.Registry, registriesD string) *Home {
	t.Helper()
	system := configured(t, registriesD)
	system.SystemRegistriesConfPath, system.SystemRegistriesConfDirPath = "/dev/null", t.TempDir()
	system.AuthFilePath = t.TempDir() + "/auth.json"
	way := transport.New(transport.Options{MaxRequests: 4, Retries: -1, RetryDelay: time.Millisecond, System: system})
	t.Cleanup(way.Close)
	client := registry.NewClient(way, registry.Options{})
	ref := referenceTo(t, r.Host()+"/team/app:1.0")
	repository, err := client.Destination(ref.DockerReference(), transport.Access{TLSVerify: types.OptionalBoolFalse})
	require.NoError(t, err)
	home, err := (&Homes{System: system, Fetch: client.Fetch}).Of(ref, repository)
	require.NoError(t, err)
	return home
}

// attaching is a home with attachments and an empty lookaside.
func attaching(t *testing.T, r *registrytest.Registry) *Home {
	t.Helper()
	return homeOf(t, r, "default-docker: {lookaside: 'file://"+t.TempDir()+"', use-sigstore-attachments: true}")
}

// attached are sigstore's signatures that can be told apart.
func attached(t *testing.T, numbers ...int) (all []Signature) {
	t.Helper()
	for _, number := range numbers {
		s, err := attachment{
			"application/vnd.dev.cosign.simplesigning.v1+json", fmt.Appendf(nil, "payload %d", number), map[string]string{"number": fmt.Sprint(number)},
		}.signature()
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func requireSignatures(t *testing.T, home *Home, expected []Signature) {
	t.Helper()
	found, err := home.Signatures(t.Context(), of)
	require.NoError(t, err)
	require.Equal(t, expected, found)
}

// attachedTo is the manifest with the signatures, and its config.
func attachedTo(t *testing.T, r *registrytest.Registry) (m v1.Manifest, config v1.Image) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.Manifest(t, "team/app", attachmentTag(of)), &m))
	require.NoError(t, json.Unmarshal(r.Blob(t, "team/app", m.Config.Digest), &config))
	return m, config
}

func TestSignaturesAreAttachedBehindOthersAndOnce(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	home := attaching(t, r)
	requireSignatures(t, home, nil)
	for _, more := range [][]Signature{attached(t, 1), attached(t, 2, 3), attached(t, 1, 3), attached(t, 4)} {
		written, err := home.Add(t.Context(), Addition{Of: of, More: more})
		require.NoError(t, err)
		require.Positive(t, written)
	}

	requireSignatures(t, home, attached(t, 1, 2, 3, 4))

	require.Equal(t, "sha256-"+zeros+".sig", r.Tags(t, "team/app")[0])
	m, config := attachedTo(t, r)
	require.Equal(t, 2, m.SchemaVersion)
	require.Equal(t, v1.MediaTypeImageManifest, m.MediaType)
	require.Equal(t, v1.MediaTypeImageConfig, m.Config.MediaType)
	require.Len(t, config.RootFS.DiffIDs, 4)
	require.Equal(t, "layers", config.RootFS.Type)
	for i, layer := range m.Layers {
		require.Equal(t, layer.Digest, config.RootFS.DiffIDs[i])
	}
}

func TestAttachmentsComeAsTheyAre(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	payload := registrytest.Blob{MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Content: []byte("payload"), Annotations: map[string]string{"a": "b"}}
	made := registrytest.RandomImage(1, registrytest.WithLayers(payload)) // with a config of its own
	source.Push(t, "team/app", attachmentTag(of), made)
	from, home := attaching(t, source), attaching(t, destination)
	there, err := from.Signatures(t.Context(), of)
	require.NoError(t, err)
	require.Len(t, there, 1)
	read := from.BytesRead()
	require.Equal(t, int64(len(made.Manifest)+len(payload.Content)), read)
	require.Zero(t, from.BytesRead())

	written, err := home.Add(t.Context(), Addition{Of: of, More: there, From: from})

	require.NoError(t, err)
	require.Equal(t, source.Image(t, "team/app", attachmentTag(of)), destination.Image(t, "team/app", attachmentTag(of)))
	require.Equal(t, 1, source.Count(registrytest.ManifestGet), "what the policy was asked about is what comes")
	require.Equal(t, 2, source.Count(registrytest.BlobGet), "the payload and the config")
	var sent int64
	for _, request := range destination.Log() {
		sent += request.RequestBytes
	}
	require.Equal(t, sent, written)
	requireSignatures(t, home, there)
}

func TestAttachmentsJoinThoseThatAreThere(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	from, home := attaching(t, source), attaching(t, destination)
	_, err := from.Add(t.Context(), Addition{Of: of, More: attached(t, 1, 2)})
	require.NoError(t, err)
	_, err = home.Add(t.Context(), Addition{Of: of, More: attached(t, 3)})
	require.NoError(t, err)
	has, err := home.Written(t.Context(), of)
	require.NoError(t, err)
	missing, err := Missing(t.Context(), of, has, from)
	require.NoError(t, err)
	require.Equal(t, attached(t, 1, 2), missing)

	_, err = home.Add(t.Context(), Addition{Of: of, Has: has, More: missing, From: from})

	require.NoError(t, err)
	requireSignatures(t, home, attached(t, 3, 1, 2))
}

func TestSimpleSignaturesAreNotAttached(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	home := attaching(t, r)
	for _, a := range []Addition{
		{Of: of, More: append(numbered(1), attached(t, 1)...)},
		{Of: of, Has: append(numbered(1), attached(t, 1)...), More: append(attached(t, 2), numbered(2)...)},
	} {
		_, err := home.Add(t.Context(), a)
		require.NoError(t, err)
	}

	requireSignatures(t, home, append(numbered(1, 2), attached(t, 1, 2)...))

	simple, err := home.written.signatures(t.Context(), of, 1)
	require.NoError(t, err)
	require.Equal(t, numbered(1, 2), simple)
}

func TestWhetherSignaturesAreMissingIsSeenWithoutReadingThem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from, here []int
		simple     [2][]int
		lacks      bool
		reads      bool
	}{
		"none":           {},
		"none there":     {here: []int{1}},
		"none here":      {from: []int{1}, lacks: true},
		"the same":       {from: []int{1, 2}, here: []int{1, 2}},
		"another":        {from: []int{1, 2}, here: []int{1, 3}, lacks: true, reads: true},
		"more here":      {from: []int{1, 2}, here: []int{2, 1, 3}, reads: true},
		"simple":         {simple: [2][]int{{1}, {}}, lacks: true},
		"the same twice": {simple: [2][]int{{1, 2}, {2, 1}}},
		"a simple more":  {simple: [2][]int{{1, 2}, {2}}, lacks: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			from, home := attaching(t, source), attaching(t, destination)
			for into, signatures := range map[*Home][]Signature{
				from: append(numbered(test.simple[0]...), attached(t, test.from...)...), home: append(numbered(test.simple[1]...), attached(t, test.here...)...),
			} {
				_, err := into.Add(t.Context(), Addition{Of: of, More: signatures})
				require.NoError(t, err)
			}
			source.Reset()
			destination.Reset()

			lacks, err := home.Lacks(t.Context(), of, from)

			require.NoError(t, err)
			require.Equal(t, test.lacks, lacks)
			require.Equal(t, test.reads, source.Count(registrytest.ManifestGet) > 0)
			require.Zero(t, source.Count(registrytest.BlobGet)+destination.Count(registrytest.BlobGet))
		})
	}
}

func TestWithoutAttachmentsNoneAreReadOrWritten(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	_, err := attaching(t, r).Add(t.Context(), Addition{Of: of, More: attached(t, 1)})
	require.NoError(t, err)
	home := homeOf(t, r, "default-docker: {lookaside: 'file:///nonexistent'}")
	r.Reset()

	requireSignatures(t, home, nil)
	_, err = home.Add(t.Context(), Addition{Of: of, More: attached(t, 2), From: attaching(t, r)})

	require.ErrorContains(t, err, "use-sigstore-attachments: true")
	require.True(t, fault.Is(err, fault.Unsupported))
	require.Empty(t, r.Log())
	require.False(t, home.Possible())
	require.True(t, attaching(t, r).Possible())
}

func TestWhatIsWrittenElsewhereIsReadThereToo(t *testing.T) {
	t.Parallel()
	r, read, staging := registrytest.Start(t), t.TempDir(), t.TempDir()
	home := homeOf(t, r, "default-docker: {lookaside: 'file://"+read+"', lookaside-staging: 'file://"+staging+"'}")
	_, err := home.Add(t.Context(), Addition{Of: of, More: numbered(1)})
	require.NoError(t, err)

	requireSignatures(t, home, nil)

	written, err := home.Written(t.Context(), of)
	require.NoError(t, err)
	require.Equal(t, numbered(1), written)
}

func TestAManifestThatHoldsNoSignaturesIsRefused(t *testing.T) {
	t.Parallel()
	layer := registrytest.Blob{MediaType: "text/plain", Content: []byte("0123456789")}
	holding := func(change func(*v1.Manifest)) registrytest.Image {
		i := registrytest.RandomImage(1, registrytest.WithLayers(layer))
		var m v1.Manifest
		require.NoError(t, json.Unmarshal(i.Manifest, &m))
		change(&m)
		content, err := json.Marshal(m)
		require.NoError(t, err)
		i.Manifest = content
		return i
	}
	for name, test := range map[string]struct {
		image registrytest.Image
		says  string
	}{
		"an index":            {registrytest.MultiPlatform(1, "linux/amd64"), "no manifest of signatures"},
		"of Docker's":         {registrytest.RandomImage(1, registrytest.WithDocker()), "no manifest of signatures"},
		"too many":            {holding(func(m *v1.Manifest) { m.Layers = repeated(m.Layers[0], maxSignatures+1) }), "no manifest of signatures"},
		"a signature too big": {holding(func(m *v1.Manifest) { m.Layers[0].Size = maxSignature + 1 }), "at most"},
		"shorter than it is":  {holding(func(m *v1.Manifest) { m.Layers[0].Size = 5 }), "reading attached signature"},
		"longer than it is":   {holding(func(m *v1.Manifest) { m.Layers[0].Size = 50 }), "reading attached signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.Start(t)
			r.Push(t, "team/app", attachmentTag(of), test.image)
			_, err := attaching(t, r).Signatures(t.Context(), of)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func repeated(d v1.Descriptor, times int) (all []v1.Descriptor) {
	for range times {
		all = append(all, d)
	}
	return all
}
