package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// releaseOf150 is the example file's promotion, over registries of three kinds.
type releaseOf150 struct {
	*release
	built []string // names of images
	path  string   // of the promotion file
	hash  string
}

// names of an image at the destinations, as the file has them.
func (r *releaseOf150) repositories(name string) [3]string {
	return [3]string{"rdo/master/" + name, "tripleomaster/openstack-" + name, "openstack-" + name}
}

func newReleaseOf150(t *testing.T) *releaseOf150 {
	t.Helper()
	r := &releaseOf150{release: newRelease(t, 1), hash: "163d4b3b4b2113588cb3a5a1e6c1e1c5a2b3c4d5_4ce1c4fb"}
	r.destinations = append(r.destinations, registrytest.Distribution(t), registrytest.Distribution(t, registrytest.Version3()))
	r.options.Jobs = 16
	const directory = "../../testdata/promotion-150/"
	list, err := os.ReadFile(directory + "containers.txt")
	require.NoError(t, err)
	r.built = strings.Fields(string(list[strings.IndexByte(string(list), '\n'):]))
	require.Len(t, r.built, 150)
	file, err := os.ReadFile(directory + "promotion.yaml")
	require.NoError(t, err)
	at := func(registry *registrytest.Registry) string {
		return strconv.Quote(registry.Host()) + ", tls-verify: false"
	}
	text := strings.NewReplacer("containers.txt", directory+"containers.txt", "trunk.example.com", at(r.source),
		"mirror.example.net", at(r.destinations[0]), "quay.example.com", at(r.destinations[1]), "registry.example.org", at(r.destinations[2]),
	).Replace(string(file))
	r.path = filepath.Join(t.TempDir(), "promotion.yaml")
	require.NoError(t, os.WriteFile(r.path, []byte(text), 0o600))
	return r
}

// build pushes all images to the source, every second one for ppc64le as well.
func (r *releaseOf150) build() {
	r.t.Helper()
	small := func(seed int, platform string) registrytest.Image {
		return registrytest.RandomImage(seed, registrytest.WithPlatform(platform), registrytest.WithLayers(registrytest.RandomLayer(seed, 200)))
	}
	for i, name := range r.built {
		repository, x86 := "tripleomaster/openstack-"+name, small(i, "linux/amd64")
		r.source.Push(r.t, repository, r.hash, x86)
		r.source.Push(r.t, repository, r.hash+"_x86_64", x86)
		if i%2 == 0 {
			r.source.Push(r.t, repository, r.hash+"_ppc64le", small(1000+i, "linux/ppc64le"))
		}
	}
}

// run does with the promotion what is asked.
func (r *releaseOf150) run(p job.Promotion) *report.Report {
	r.t.Helper()
	o := r.options
	o.SourceFile, p.Journal = r.path, r.journal
	done, err := p.Run(r.t.Context(), o)
	require.NoError(r.t, err)
	return done
}

// labels is what the label names at each destination, where it is there.
func (r *releaseOf150) labels() map[string]digest.Digest {
	named := map[string]digest.Digest{}
	for _, name := range r.built {
		for i, repository := range r.repositories(name) {
			if is, err := r.destinations[i].Named(repository, label); err == nil {
				named[fmt.Sprint(i, repository)] = is
			}
		}
	}
	return named
}

func TestAReleaseOf150ImagesIsPromotedToThreeKindsOfRegistries(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some twenty seconds, most of them of the other registries")
	}
	t.Parallel()
	r := newReleaseOf150(t)
	r.build()
	before := map[string]digest.Digest{}
	old := registrytest.RandomImage(9999)
	for i, d := range r.destinations {
		repository := r.repositories("base")[i]
		before[fmt.Sprint(i, repository)] = d.Push(t, repository, label, old)
	}
	broken := r.repositories("nova-api")[2]
	refuse(r.destinations[2], broken+"/manifests/"+r.hash)

	failed := r.run(job.Promotion{})

	require.Equal(t, 1, failed.Summary.Failed, failures(failed))
	require.Equal(t, map[report.Status]int{report.Skipped: 4 * 150}, statuses(failed, label))
	require.Equal(t, before, r.labels())

	r.destinations[2].Intercept(nil)
	done := r.run(job.Promotion{})
	require.Empty(t, failures(done))
	require.Equal(t, map[report.Status]int{report.Done: 4 * 150}, statuses(done, label))
	require.Equal(t, 3*(4*150+75)+2*150, done.Summary.Total) // hash, x86, index, label, ppc; hash and label at the source
	r.requireLabels()

	for _, d := range r.destinations {
		d.Reset()
	}
	again := r.run(job.Promotion{})
	require.False(t, again.Changed)
	for _, d := range r.destinations {
		require.LessOrEqual(t, len(d.Log()), 2*(4*150+75)+1) // and one for the version
	}

	require.Empty(t, failures(r.run(job.Promotion{Rollback: true})))
	require.Equal(t, before, r.labels())
}

// requireLabels wants the label to name everywhere what the hash does at the
// source.
func (r *releaseOf150) requireLabels() {
	r.t.Helper()
	named := r.labels()
	for _, name := range r.built {
		want := r.source.Digest(r.t, "tripleomaster/openstack-"+name, r.hash)
		for i, repository := range r.repositories(name) {
			require.Equal(r.t, want, named[fmt.Sprint(i, repository)])
		}
	}
}
