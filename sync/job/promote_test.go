package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

const (
	hash  = "3f2a9b1c00000000000000000000000000000000_9b1c2d3e"
	label = "current-tripleo"
)

// release is a source and destinations, and a promotion between them.
type release struct {
	t            *testing.T
	source       *registrytest.Registry
	destinations []*registrytest.Registry
	more         string // further keys of the promotion file
	names        []string
	journal      string
	options      job.Options
	promotion    job.Promotion
}

func newRelease(t *testing.T, destinations int, names ...string) *release {
	t.Helper()
	r := &release{t: t, source: registrytest.Start(t), names: names, journal: filepath.Join(t.TempDir(), "journal")}
	for range destinations {
		r.destinations = append(r.destinations, registrytest.Start(t))
	}
	r.options = between(r.source, r.source)
	r.options.Verb, r.options.Sources, r.options.Destinations = job.Promote, nil, nil
	r.options.Registry.RetryDelay = time.Millisecond
	return r
}

// push builds the image of a name at the source, for x86 and, if wanted, ppc.
func (r *release) push(seed int, name string, ppc bool) {
	r.t.Helper()
	x86 := registrytest.RandomImage(seed, registrytest.WithPlatform("linux/amd64"))
	r.source.Push(r.t, "tripleomaster/openstack-"+name, hash, x86)
	r.source.Push(r.t, "tripleomaster/openstack-"+name, hash+"_x86_64", x86)
	if ppc {
		r.source.Push(r.t, "tripleomaster/openstack-"+name, hash+"_ppc64le",
			registrytest.RandomImage(1000+seed, registrytest.WithPlatform("linux/ppc64le")))
	}
}

// build pushes all images, every second one for ppc as well.
func (r *release) build() *release {
	for i, name := range r.names {
		r.push(i, name, i%2 == 0)
	}
	return r
}

func (r *release) file() string {
	var text strings.Builder
	fmt.Fprintf(&text, "source: {registry: %q, namespace: tripleomaster, tls-verify: false}\ndestinations:\n", r.source.Host())
	for i, d := range r.destinations {
		fmt.Fprintf(&text, "  - {registry: %q, namespace: mirror%d, tls-verify: false}\n", d.Host(), i)
	}
	fmt.Fprintf(&text, "images: {prefix: openstack-, names: [%s]}\nhash: %s\nlabel: %s\n", strings.Join(r.names, ", "), hash, label)
	fmt.Fprintf(&text, "platforms: {linux/amd64: _x86_64, linux/ppc64le: _ppc64le}\noptional: [linux/ppc64le]\n%s", r.more)
	path := filepath.Join(r.t.TempDir(), "promotion.yaml")
	require.NoError(r.t, os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

// try promotes.
func (r *release) try() (*report.Report, error) {
	o, p := r.options, r.promotion
	o.SourceFile = r.file()
	p.Journal = r.journal
	return job.RunPromotion(r.t.Context(), o, p)
}

// promote promotes, which has to be attempted.
func (r *release) promote() *report.Report {
	r.t.Helper()
	done, err := r.try()
	require.NoError(r.t, err)
	return done
}

// at is the digest of a tag at a destination, or "".
func (r *release) at(destination int, name, tag string) string {
	return digestAt(r.t, r.destinations[destination], fmt.Sprintf("mirror%d/openstack-%s", destination, name), tag)
}

func digestAt(t *testing.T, registry *registrytest.Registry, repository, tag string) string {
	t.Helper()
	if !registry.HasTag(t, repository, tag) {
		return ""
	}
	return registry.Digest(t, repository, tag).String()
}

func failures(r *report.Report) string {
	var lines []string
	for _, result := range r.Results {
		if result.Error != nil {
			lines = append(lines, result.Error.Message)
		}
	}
	return strings.Join(lines, "\n")
}

func TestAPromotionBringsEverythingAndThenMovesTheLabel(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()

	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, "promote", done.Verb)
	for i := range r.destinations {
		for _, name := range r.names {
			require.Equal(t, r.at(i, name, hash), r.at(i, name, label), "%d %s", i, name)
			require.NotEmpty(t, r.at(i, name, hash+"_x86_64"))
			require.NotEmpty(t, r.at(i, name, hash+"_manifest"))
		}
		require.NotEmpty(t, r.at(i, "base", hash+"_ppc64le"))
		require.Empty(t, r.at(i, "nova-api", hash+"_ppc64le"))
	}
	require.Equal(t, r.at(0, "base", hash), digestAt(t, r.source, "tripleomaster/openstack-base", label))
	require.Equal(t, r.at(0, "base", hash+"_manifest"), r.at(1, "base", hash+"_manifest"))
}

func TestASecondPromotionChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.promote()
	before, err := os.ReadFile(r.journal)
	require.NoError(t, err)

	again := r.promote()

	require.False(t, again.Changed)
	require.Equal(t, again.Summary.Total, again.Summary.Unchanged)
	after, err := os.ReadFile(r.journal)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}
