package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	platforms    string // of the promotion file
	more         string // further keys
	ofSource     string // and of the source
	ofSide       map[int]string
	same         bool // the destinations' namespace is the source's
	names        []string
	hash         string // as the promotion file has it
	journal      string
	options      job.Options
	promotion    job.Promotion
}

func newRelease(t *testing.T, destinations int, names ...string) *release {
	t.Helper()
	r := &release{t: t, source: registrytest.Start(t), names: names, hash: hash, journal: filepath.Join(t.TempDir(), "journal")}
	r.platforms = "platforms: {linux/amd64: _x86_64, linux/ppc64le: _ppc64le}\noptional: [linux/ppc64le]\n"
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
	fmt.Fprintf(&text, "source: {registry: %q, namespace: tripleomaster, tls-verify: false%s}\ndestinations:\n", r.source.Host(), r.ofSource)
	for i, d := range r.destinations {
		namespace := fmt.Sprint("mirror", i)
		if r.same {
			namespace = "tripleomaster"
		}
		fmt.Fprintf(&text, "  - {registry: %q, namespace: %s, tls-verify: false%s}\n", d.Host(), namespace, r.ofSide[i])
	}
	fmt.Fprintf(&text, "images: {prefix: openstack-, names: [%s]}\nhash: %s\nlabel: %s\n", strings.Join(r.names, ", "), r.hash, label)
	text.WriteString(r.platforms + r.more)
	path := filepath.Join(r.t.TempDir(), "promotion.yaml")
	require.NoError(r.t, os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

// try promotes.
func (r *release) try() (*report.Report, error) {
	o, p := r.options, r.promotion
	o.SourceFile = r.file()
	p.Journal = r.journal
	return p.Run(r.t.Context(), o)
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

func TestWhatRefersToAnImageTravelsWithIt(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base").build()
	image := registrytest.RandomImage(0, registrytest.WithPlatform("linux/amd64"))
	sbom := registrytest.Artifact(&image, "application/spdx+json", registrytest.RandomLayer(5, 100))
	r.source.Push(t, "tripleomaster/openstack-base", "", sbom)
	tag, signature := registrytest.CosignSignature(image)
	require.Empty(t, failures(r.promote()))

	r.source.Push(t, "tripleomaster/openstack-base", tag, signature) // later
	again := r.promote()

	require.Empty(t, failures(again))
	require.True(t, again.Changed)
	for i, d := range r.destinations {
		repository := fmt.Sprintf("mirror%d/openstack-base", i)
		require.True(t, d.HasTag(t, repository, tag))
		require.Equal(t, sbom.Digest(), d.Digest(t, repository, sbom.Digest().String()))
	}
}

func TestEveryByteOfAReleaseIsReadOnce(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 3, "base", "nova-api", "keystone").build()
	r.options.Jobs = 8

	done := r.promote()

	require.Empty(t, failures(done))
	written := r.destinations[0].BlobBytesWritten()
	require.Equal(t, written, r.destinations[1].BlobBytesWritten())
	require.Positive(t, written)
	configs := int64(5 * 2 * 4096) // which the check of their platform reads
	require.LessOrEqual(t, r.source.BlobBytesRead(), written+configs)
}

func TestASecondPromotionAsksTwiceATagAtMost(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 3, "base", "nova-api", "keystone").build()
	require.Empty(t, failures(r.promote()))
	for _, d := range r.destinations {
		d.Reset()
	}
	r.source.Reset()

	again := r.promote()

	require.False(t, again.Changed)
	for _, d := range r.destinations {
		tags := 0
		for _, result := range again.Results {
			if strings.HasPrefix(result.Destination, "docker://"+d.Host()+"/") {
				tags++
			}
		}
		require.LessOrEqual(t, len(d.Log()), 2*tags+1)
	}
}

func TestWithinOneRegistryNoBlobMoves(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 0, "base", "nova-api").build()
	r.destinations = []*registrytest.Registry{r.source}
	r.source.Reset()

	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, r.at(0, "base", hash), r.at(0, "base", label))
	require.NotEmpty(t, r.at(0, "base", hash+"_manifest"))
	require.Zero(t, r.source.BlobBytesWritten())
}

func TestAReleaseGoesToEveryKindOfRegistryAndBack(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api", "keystone").build()
	r.destinations = append(r.destinations, registrytest.Distribution(t), registrytest.Distribution(t, registrytest.Version3()))
	old := registrytest.RandomImage(99)
	for i, d := range r.destinations {
		d.Push(t, fmt.Sprintf("mirror%d/openstack-base", i), label, old)
	}

	done := r.promote()

	require.Empty(t, failures(done))
	for _, result := range done.Results {
		require.True(t, result.Verified, result.Destination)
	}
	again := r.promote()
	require.False(t, again.Changed, failures(again))
	verify := *r
	verify.options.Verb = job.Verify
	require.Empty(t, failures(verify.promote()))

	r.promotion.Rollback = true
	require.Empty(t, failures(r.promote()))
	for i := range r.destinations {
		require.Equal(t, old.Digest().String(), r.at(i, "base", label))
		require.Empty(t, r.at(i, "keystone", label))
		require.NotEmpty(t, r.at(i, "keystone", hash), "a label is removed, and not its image")
	}
	require.Len(t, strings.Split(failures(verify.promote()), "\n"), 12)
}

func TestAnIndexIsCopiedWithThePlatformsThatItMustHave(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api")
	r.platforms = "platforms: [linux/amd64, linux/ppc64le]\noptional: [linux/ppc64le]\n"
	r.source.Push(t, "tripleomaster/openstack-base", hash, registrytest.MultiPlatform(1, "linux/amd64", "linux/ppc64le"))
	r.source.Push(t, "tripleomaster/openstack-nova-api", hash, registrytest.RandomImage(1, registrytest.WithPlatform("linux/amd64")))
	require.Empty(t, failures(r.promote()))
	require.Equal(t, digestAt(t, r.source, "tripleomaster/openstack-base", hash), r.at(1, "base", label))
	require.Equal(t, digestAt(t, r.source, "tripleomaster/openstack-nova-api", hash), r.at(0, "nova-api", label))

	r.platforms = "platforms: [linux/amd64, linux/arm64]\n"
	done := r.promote()
	require.Contains(t, failures(done), "it has no instance for linux/arm64, only for linux/amd64, linux/ppc64le")
}

func TestAMergedIndexKeepsWhatOnlyTheDestinationHas(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base")
	r.platforms = "index: merge\n"
	r.source.Push(t, "tripleomaster/openstack-base", hash, registrytest.MultiPlatform(1, "linux/amd64", "linux/ppc64le"))
	r.destinations[1].Push(t, "mirror1/openstack-base", hash, registrytest.MultiPlatform(7, "linux/amd64", "linux/s390x"))

	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, digestAt(t, r.source, "tripleomaster/openstack-base", hash), r.at(0, "base", hash))
	require.Equal(t, r.at(0, "base", hash), r.at(0, "base", label))
	merged := r.destinations[1].Image(t, "mirror1/openstack-base", label)
	require.Len(t, merged.Children, 3)
	require.Equal(t, r.at(1, "base", hash), r.at(1, "base", label))
	require.Equal(t, 2, done.Summary.Merged)
	require.False(t, r.promote().Changed)
}

func TestTheLabelNamesTheIndexIfThatIsWanted(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"under a tag of its own":     "label-names: index\n",
		"under the hash":             "index-tag: \"{hash}\"\n",
		"made at the source as well": "label-names: index\nformat: docker\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, 1, "base", "nova-api").build()
			r.more = more
			require.Empty(t, failures(r.promote()))
			require.Len(t, r.destinations[0].Image(t, "mirror0/openstack-base", label).Children, 2)
			require.Len(t, r.destinations[0].Image(t, "mirror0/openstack-nova-api", label).Children, 1)
			require.Equal(t, r.at(0, "base", label), digestAt(t, r.source, "tripleomaster/openstack-base", label))
			require.False(t, r.promote().Changed)
		})
	}
}

func TestTwoPromotionsOfOneLabelDoNotMix(t *testing.T) {
	t.Parallel()
	first := newRelease(t, 2, "base", "nova-api", "keystone").build()
	second := *first
	second.journal += "2"
	const other = "ffffffff_00000000"
	for i, name := range first.names {
		x86 := registrytest.RandomImage(500+i, registrytest.WithPlatform("linux/amd64"))
		first.source.Push(t, "tripleomaster/openstack-"+name, other, x86)
		first.source.Push(t, "tripleomaster/openstack-"+name, other+"_x86_64", x86)
	}
	second.promotion.Hash = other
	var group sync.WaitGroup
	for _, r := range []*release{first, &second} {
		group.Go(func() {
			if _, err := r.try(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	named := map[string]bool{}
	for i := range first.destinations {
		for _, name := range first.names {
			switch first.at(i, name, label) {
			case "":
				named["nothing"] = true
			case first.at(i, name, hash):
				named["the first"] = true
			default:
				named["the second"] = true
			}
		}
	}
	require.Len(t, named, 1, "%v", named)
}
