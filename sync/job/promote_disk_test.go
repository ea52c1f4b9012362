package job_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/layout"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// disk is a release that is promoted to a disk, and from there into a closed
// registry.
type disk struct {
	*release
	path   string
	closed *registrytest.Registry
}

func newDisk(t *testing.T, names ...string) *disk {
	t.Helper()
	return &disk{release: newRelease(t, 0, names...).build(), path: filepath.Join(t.TempDir(), "release"), closed: registrytest.Start(t)}
}

// carry promotes between two sides, as a promotion file has them.
func (d *disk) carry(source string, destinations ...string) *report.Report {
	d.t.Helper()
	r, err := d.try(source, destinations...)
	require.NoError(d.t, err)
	return r
}

func (d *disk) try(source string, destinations ...string) (*report.Report, error) {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "promotion.yaml")
	text := fmt.Sprintf("source: %s\ndestinations: [%s]\nimages: {prefix: openstack-, names: [%s]}\nhash: %s\nlabel: %s\n%s%s",
		source, strings.Join(destinations, ", "), strings.Join(d.names, ", "), hash, label, d.platforms, d.more)
	require.NoError(d.t, os.WriteFile(file, []byte(text), 0o600))
	o, p := d.options, d.promotion
	o.SourceFile, p.Journal = file, d.journal
	return p.Run(d.t.Context(), o)
}

// The sides of the disk's promotions.
func (d *disk) trunk() string {
	return fmt.Sprintf("{registry: %q, namespace: tripleomaster, tls-verify: false, label: false}", d.source.Host())
}

func (d *disk) there() string { return fmt.Sprintf("{place: %q, namespace: carried}", "oci:"+d.path) }

func (d *disk) site() string {
	return fmt.Sprintf("{registry: %q, namespace: closed, tls-verify: false}", d.closed.Host())
}

// on is the digest of a tag on the disk, or "".
func (d *disk) on(name, tag string) string {
	there, err := layout.Directory(d.path).Repository("carried/openstack-"+name).Resolve(d.t.Context(), tag)
	if fault.Is(err, fault.NotFound) {
		return ""
	}
	require.NoError(d.t, err)
	return there.Digest.String()
}

func (d *disk) atSite(name, tag string) string {
	return digestAt(d.t, d.closed, "closed/openstack-"+name, tag)
}

func TestAReleaseGoesByADiskIntoAClosedRegistry(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "base", "nova-api")
	x86 := registrytest.RandomImage(0, registrytest.WithPlatform("linux/amd64"))
	sbom := registrytest.Artifact(&x86, "application/spdx+json", registrytest.RandomLayer(5, 100))
	d.source.Push(t, "tripleomaster/openstack-base", "", sbom)
	tag, signature := registrytest.CosignSignature(x86)
	d.source.Push(t, "tripleomaster/openstack-base", tag, signature)

	out := d.carry(d.trunk(), d.there())

	require.Empty(t, failures(out))
	for _, name := range d.names {
		require.Equal(t, d.on(name, hash), d.on(name, label))
		require.NotEmpty(t, d.on(name, hash+"_manifest"))
	}
	d.journal = filepath.Join(t.TempDir(), "journal")
	require.False(t, d.carry(d.trunk(), d.there()).Changed)
	in := d.carry(d.there(), d.site())
	require.Empty(t, failures(in))
	for _, name := range d.names {
		require.Equal(t, d.source.Digest(t, "tripleomaster/openstack-"+name, hash).String(), d.atSite(name, hash))
		require.Equal(t, d.atSite(name, hash), d.atSite(name, label))
		require.Equal(t, d.on(name, hash+"_manifest"), d.atSite(name, hash+"_manifest"))
	}
	require.True(t, d.closed.HasTag(t, "closed/openstack-base", tag))
	require.Equal(t, sbom.Digest(), d.closed.Digest(t, "closed/openstack-base", sbom.Digest().String()))
	require.False(t, d.carry(d.there(), d.site()).Changed)
	require.Empty(t, failures(d.verify(d.there(), d.site())))
}

// verify asks whether everything is in place.
func (d *disk) verify(source string, destinations ...string) *report.Report {
	verb := d.options.Verb
	defer func() { d.options.Verb = verb }()
	d.options.Verb = job.Verify
	return d.carry(source, destinations...)
}

func TestTheLabelOnADiskGoesBackWhereAnotherCannotMove(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "base")
	require.Empty(t, failures(d.carry(d.trunk(), d.there())))
	before := d.on("base", label)
	d.push(77, "base", true) // a new image under the same hash
	d.closed.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		refused := req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, "/manifests/"+label)
		if refused {
			w.WriteHeader(http.StatusForbidden)
		}
		return refused
	})

	r := d.carry(d.trunk(), d.there(), d.site())

	require.NotZero(t, r.Summary.Failed)
	require.Equal(t, before, d.on("base", label))
	require.Empty(t, d.atSite("base", label))
}

func TestAPromotionToADiskIsRolledBack(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "base", "nova-api")
	d.more = "rollback-label: before\n"
	require.Empty(t, failures(d.carry(d.trunk(), d.there())))
	first := d.on("base", label)
	d.push(77, "base", true)
	d.push(78, "nova-api", false)
	require.Empty(t, failures(d.carry(d.trunk(), d.there())))
	require.NotEqual(t, first, d.on("base", label))
	require.Equal(t, first, d.on("base", "before"))
	d.promotion.Rollback = true

	r := d.carry(d.trunk(), d.there())

	require.Empty(t, failures(r))
	require.Equal(t, first, d.on("base", label))
	require.Empty(t, d.on("base", "before"))
}

func TestAGateIsToldWhereOnADiskAnImageIs(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "base")
	d.more = "gate: [echo, '{reference}', '{repository}']\n"

	r := d.carry(d.trunk(), d.there())

	require.Empty(t, failures(r))
	var said []string
	for _, result := range r.Results {
		if result.Gate != nil {
			said = append(said, strings.TrimSpace(result.Gate.Output))
		}
	}
	repository := "oci:" + d.path + ":carried/openstack-base"
	require.Equal(t, []string{repository + "@" + d.on("base", label) + " " + repository}, said)
}

func TestWhatIsMissingOnADiskMovesNoLabel(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "base", "nova-api")
	require.Empty(t, failures(d.carry(d.trunk(), d.there())))
	layer := d.source.Image(t, "tripleomaster/openstack-base", hash).Blobs[1].Digest()
	require.NoError(t, os.Remove(blobOn(d.path, layer)))
	d.journal = filepath.Join(t.TempDir(), "journal")

	r := d.carry(d.there(), d.site())

	require.NotZero(t, r.Summary.Failed)
	require.Contains(t, failures(r), layer.String())
	for _, name := range d.names {
		require.Empty(t, d.atSite(name, label))
	}
}

func blobOn(path string, blob digest.Digest) string {
	return filepath.Join(path, "blobs", "sha256", blob.Encoded())
}
