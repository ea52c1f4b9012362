package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/spec"
)

// shop is a repository in memory: its tags, what they name, and what was asked.
type shop struct {
	named    map[string]registry.Manifest // by tag and by digest
	blobs    map[digest.Digest]string
	digests  map[string]digest.Digest // that come with the list of tags
	listing  error                    // why tags cannot be listed
	reading  error                    // why manifests cannot be read
	referrer map[digest.Digest][]v1.Descriptor

	mu    sync.Mutex
	asked []string // "HEAD 1.0", "GET 1.0", "TAGS", in order
}

func newShop() *shop {
	return &shop{named: map[string]registry.Manifest{}, blobs: map[digest.Digest]string{}, referrer: map[digest.Digest][]v1.Descriptor{}}
}

func (s *shop) ask(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
}

// requests are what was asked, sorted, since much is asked at the same time.
func (s *shop) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.asked))
}

func (s *shop) Manifest(_ context.Context, identifier string) (registry.Manifest, error) {
	s.ask("GET %s", identifier)
	return s.find(identifier)
}

func (s *shop) Resolve(_ context.Context, identifier string) (v1.Descriptor, error) {
	s.ask("HEAD %s", identifier)
	m, err := s.find(identifier)
	return m.Descriptor, err
}

func (s *shop) find(identifier string) (registry.Manifest, error) {
	if s.reading != nil {
		return registry.Manifest{}, s.reading
	}
	m, has := s.named[identifier]
	if !has {
		return m, fault.New(fault.NotFound, errors.New("no such manifest"))
	}
	return m, nil
}

func (s *shop) Blob(_ context.Context, blob v1.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s.blobs[blob.Digest])), nil
}

func (s *shop) HasBlob(_ context.Context, d digest.Digest) (int64, bool, error) {
	s.ask("BLOB %s", d)
	content, has := s.blobs[d]
	return int64(len(content)), has, s.reading
}

func (s *shop) Tags(context.Context) ([]string, error) {
	s.ask("TAGS")
	var tags []string
	for identifier := range s.named {
		if !strings.Contains(identifier, ":") {
			tags = append(tags, identifier)
		}
	}
	return tags, s.listing
}

func (s *shop) Digests(context.Context) map[string]digest.Digest { return s.digests }

func (s *shop) Referrers(_ context.Context, subject digest.Digest) ([]v1.Descriptor, error) {
	s.ask("REFERRERS %s", subject)
	return s.referrer[subject], nil
}

// put keeps a manifest under its digest and the tags.
func (s *shop) put(mediaType, content string, tags ...string) digest.Digest {
	sum := digest.FromString(content)
	m := registry.Manifest{Descriptor: v1.Descriptor{MediaType: mediaType, Digest: sum, Size: int64(len(content))}, Bytes: []byte(content)}
	for _, name := range append(tags, sum.String()) {
		s.named[name] = m
	}
	return sum
}

// image keeps an image; the same seed gives the same.
func (s *shop) image(seed string, tags ...string) digest.Digest {
	return s.put(v1.MediaTypeImageManifest, fmt.Sprintf(`{"schemaVersion":2,"annotations":{"seed":%q}}`, seed), tags...)
}

// index keeps an index of images of the platforms.
func (s *shop) index(platforms []string, tags ...string) digest.Digest {
	var entries []string
	for _, platform := range platforms {
		architecture := strings.TrimPrefix(platform, "linux/")
		entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":2,"platform":{"os":"linux","architecture":%q}}`,
			v1.MediaTypeImageManifest, s.image(platform), architecture))
	}
	return s.put(v1.MediaTypeImageIndex, `{"schemaVersion":2,"manifests":[`+strings.Join(entries, ",")+`]}`, tags...)
}

// offline is a client that never gets to connect.
func offline(t *testing.T) *registry.Client {
	t.Helper()
	way := transport.New(transport.Options{System: nothingConfigured(t)})
	t.Cleanup(way.Close)
	return registry.NewClient(way, registry.Options{})
}

func nothingConfigured(t *testing.T) *types.SystemContext {
	return &types.SystemContext{SystemRegistriesConfPath: "/dev/null", SystemRegistriesConfDirPath: t.TempDir(), RegistriesDirPath: t.TempDir()}
}

func named(t *testing.T, name string) reference.Named {
	t.Helper()
	parsed, err := reference.ParseNormalizedNamed(name)
	require.NoError(t, err)
	return parsed
}

// place opens a place that is never reached.
func place(t *testing.T, client *registry.Client, name string) image.Place {
	t.Helper()
	opened, err := image.Open(name, image.Access{Client: client, System: nothingConfigured(t)})
	require.NoError(t, err)
	return opened
}

// between is the step that copies src.test/app:TAG to dst.test/app:TAG, of which
// the repositories are in memory.
func between(t *testing.T, source, destination *shop, identifier string) *Step {
	t.Helper()
	client := offline(t)
	locate := func(name string) image.Location {
		repository, err := client.Source(named(t, name), transport.Access{})
		require.NoError(t, err)
		l, err := image.InRegistry(repository, identifier)
		require.NoError(t, err)
		return l
	}
	step := newStep(locate("src.test/app"), locate("dst.test/app"))
	step.from, step.to = remote{kept{source, identifier}}, remote{kept{destination, identifier}}
	return step
}

// comparing is a comparison with nothing asked for but what request has.
func comparing(request Request) *comparison {
	request.Jobs = max(request.Jobs, 4)
	return newComparison(request)
}

// repositoryOf is a repository of a source file.
func repositoryOf(t *testing.T, file string) spec.Repository {
	t.Helper()
	loaded, err := spec.Load("images.yaml", strings.NewReader(file), spec.Strict)
	require.NoError(t, err)
	return loaded.Sources[0].Repositories[0]
}

// indented puts the lines of a registry under its name.
func indented(lines string) string { return strings.ReplaceAll(lines, "\n", "\n  ") + "\n" }

func specDigest(sum digest.Digest, tags ...string) spec.Digest {
	return spec.Digest{Digest: sum, Tags: tags}
}

var errMade = errors.New("made by the test")

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// withDigest is the manifest as if it had another digest.
func withDigest(m registry.Manifest, sum digest.Digest) registry.Manifest {
	m.Digest = sum
	return m
}

// created keeps an image that was created on a day of January 2026.
func (s *shop) created(day int, tag string) {
	config := fmt.Sprintf(`{"created":"2026-01-%02dT00:00:00Z"}`, day)
	sum := digest.FromString(config)
	s.blobs[sum] = config
	s.put(v1.MediaTypeImageManifest, fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		v1.MediaTypeImageConfig, sum, len(config)), tag)
}
