package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/memory"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// policyCase is a policy, in which HOST is the source's host, and which of the
// two images it admits: "good/app", which is signed, and "bad/app".
type policyCase struct {
	text      string
	good, bad bool
}

func (p policyCase) admits(repository string) bool {
	return repository == "good/app" && p.good || repository == "bad/app" && p.bad
}

func policyCases(gpg, sigstore string) map[string]policyCase {
	return map[string]policyCase{
		"reject":         {`{"default":[{"type":"reject"}]}`, false, false},
		"signedBy":       {`{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"` + gpg + `"}]}}}`, true, false},
		"sigstoreSigned": {`{"default":[{"type":"sigstoreSigned","keyPath":"` + sigstore + `"}]}`, true, false},
		"both": {`{"default":[{"type":"sigstoreSigned","keyPath":"` + sigstore + `"},
			{"type":"signedBy","keyType":"GPGKeys","keyPath":"` + gpg + `"}]}`, true, false},
		"per repository": {`{"default":[{"type":"reject"}],"transports":{"docker":{"HOST":[{"type":"insecureAcceptAnything"}],"HOST/bad":[{"type":"reject"}]}}}`, true, false},
		"insecure":       {`{"default":[{"type":"insecureAcceptAnything"}]}`, true, true},
	}
}

// policyShape is a way of writing an image.
type policyShape struct {
	name   string
	image  func(seed int) registrytest.Image
	file   string // below the source's images
	suffix string // of tags
	into   string // a place, the source for "", or "docker" for a registry
	twice  bool   // into a second registry as well
	before bool   // the image is in place, without signatures
	tags   []string
}

func one(seed int) registrytest.Image { return registrytest.RandomImage(seed) }

func several(seed int) registrytest.Image {
	return registrytest.MultiPlatform(seed, "linux/amd64", "linux/arm64", "linux/s390x")
}

func nested(seed int) registrytest.Image {
	return registrytest.Index(registrytest.MultiPlatform(seed, "linux/amd64", "linux/arm64"), registrytest.RandomImage(seed))
}

const (
	furtherTags = "  csync: {repositories: {good/app: {tags: {'1.0': [stable]}}, bad/app: {tags: {'1.0': [stable]}}}}\n"
	twoOfThree  = "  csync: {platforms: [amd64, s390x]}\n"
)

func policyShapes() []policyShape {
	return []policyShape{
		{name: "copy", image: one, into: "docker", tags: []string{"1.0"}},
		{name: "an index", image: several, into: "docker", tags: []string{"1.0"}},
		{name: "retag within a repository", image: one, suffix: "-promoted", tags: []string{"1.0-promoted"}},
		{name: "retag of an index", image: several, suffix: "-promoted", tags: []string{"1.0-promoted"}},
		{name: "further tag", image: one, file: furtherTags, into: "docker", tags: []string{"1.0", "stable"}},
		{name: "further tag in place", image: one, file: furtherTags, tags: []string{"stable"}},
		{name: "unchanged", image: one, into: "docker", before: true, tags: []string{"1.0"}},
		{name: "unchanged index", image: several, into: "docker", before: true, tags: []string{"1.0"}},
		{name: "platform cut", image: several, file: twoOfThree, into: "docker", tags: []string{"1.0"}},
		{name: "unchanged platform cut", image: several, file: twoOfThree, into: "docker", before: true, tags: []string{"1.0"}},
		{name: "nested", image: nested, into: "docker", tags: []string{"1.0"}},
		{name: "several destinations", image: several, into: "docker", twice: true, tags: []string{"1.0"}},
		{name: "unchanged at several destinations", image: one, into: "docker", twice: true, before: true, tags: []string{"1.0"}},
		{name: "dir", image: several, into: "dir:"},
		{name: "unchanged dir", image: several, into: "dir:", before: true},
		{name: "oci", image: several, into: "oci:"},
		{name: "unchanged oci", image: several, into: "oci:", before: true},
	}
}

func TestEveryImageIsAdmittedByThePolicyHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	gpg := gpgOf(t, ours)
	public, sigstore := sigstoreOf(t, ours)
	for name, policy := range policyCases(gpg.public, public) {
		for _, shape := range policyShapes() {
			t.Run(name+"/"+shape.name, func(t *testing.T) {
				t.Parallel()
				w := newPolicyWorld(t, shape, gpg, sigstore)
				w.lab.options.Copier.Trust = &trust.Trust{
					Policy: policyOf(t, strings.ReplaceAll(policy.text, "HOST", w.source.Host())), Admitted: memory.New[trust.Admission](),
				}
				w.requirePlan(policy)
				w.requireRun(policy)
				w.requireAgain(policy)
			})
		}
	}
}

// policyWorld is a source with a signed and an unsigned image, and where they go.
type policyWorld struct {
	t            *testing.T
	shape        policyShape
	source       *registrytest.Registry
	destinations []*registrytest.Registry
	lab          *lab
	file         string
	images       map[string]registrytest.Image
}

func newPolicyWorld(t *testing.T, shape policyShape, signers ...image.Signer) *policyWorld {
	t.Helper()
	w := &policyWorld{t: t, shape: shape, source: registrytest.Start(t)}
	w.file = w.source.Host() + ":\n  images: {good/app: ['1.0'], bad/app: ['1.0']}\n" + shape.file
	w.images = map[string]registrytest.Image{"good/app": shape.image(1), "bad/app": shape.image(2)}
	for repository, image := range w.images {
		w.source.Push(t, repository, "1.0", image)
	}
	places := w.places()
	w.lab = newLab(t, places...)
	w.lab.request.Naming.Suffix = shape.suffix
	keepSignatures(t, w.lab, append(w.destinations, w.source)...)
	copier := w.lab.options.Copier
	copier.RemoveSignatures = shape.into == "oci:" // which keeps none
	if shape.before {
		copier.RemoveSignatures = true
		requireAll(t, report.Done, w.lab.sync(w.file))
		copier.RemoveSignatures = shape.into == "oci:"
	}
	w.lab.sign(w.source, "good/app", signers...)
	return w
}

// places starts the destinations.
func (w *policyWorld) places() []string {
	switch w.shape.into {
	case "":
		return []string{"docker://" + w.source.Host()}
	case "docker":
		w.destinations = append(w.destinations, registrytest.Start(w.t))
		if w.shape.twice {
			w.destinations = append(w.destinations, registrytest.Start(w.t))
		}
		var places []string
		for _, r := range w.destinations {
			places = append(places, "docker://"+r.Host())
		}
		return places
	}
	return []string{w.shape.into + w.t.TempDir() + "/out"}
}

// written are the registries that are written to.
func (w *policyWorld) written() []*registrytest.Registry {
	if w.shape.into == "" {
		return []*registrytest.Registry{w.source}
	}
	return w.destinations
}

func (w *policyWorld) reset() {
	w.source.Reset()
	for _, r := range w.destinations {
		r.Reset()
	}
}

// requirePlan wants a dry run to tell what a run will do.
func (w *policyWorld) requirePlan(policy policyCase) {
	w.t.Helper()
	w.reset()
	w.lab.request.ReadOnly = true
	defer func() { w.lab.request.ReadOnly = false }()
	for _, result := range w.lab.plan(w.file).Results() {
		repository := repositoryOf(result)
		if !policy.admits(repository) {
			w.requireRefused(result)
			continue
		}
		require.NotEqual(w.t, report.Failed, result.Status, "%+v", result.Error)
	}
	for repository := range w.images {
		for _, r := range append(w.destinations, w.source) {
			require.Empty(w.t, writes(r, repository))
		}
	}
}

// requireRun wants the images that the policy admits to be done, with their
// signatures, and nothing of the others.
func (w *policyWorld) requireRun(policy policyCase) {
	w.t.Helper()
	before := map[string][]string{}
	for _, r := range w.written() {
		for repository := range w.images {
			before[r.Host()+repository] = r.Tags(w.t, repository)
		}
	}
	w.reset()
	w.requireResults(policy, w.lab.sync(w.file), report.Done, report.Unchanged)
	for _, r := range w.written() {
		for repository, image := range w.images {
			if !policy.admits(repository) {
				require.Equal(w.t, before[r.Host()+repository], r.Tags(w.t, repository))
				require.Empty(w.t, writes(r, repository))
				continue
			}
			for _, tag := range w.shape.tags {
				require.True(w.t, r.HasTag(w.t, repository, tag), "%s:%s", repository, tag)
			}
			w.requireSignatures(r, repository, image)
		}
	}
	for _, request := range w.source.Log() {
		if request.Repository != "" && !policy.admits(request.Repository) {
			require.NotEqual(w.t, registrytest.BlobGet, request.Kind)
		}
	}
}

// requireSignatures wants the signatures of all manifests that a registry has to
// be those of the source.
func (w *policyWorld) requireSignatures(r *registrytest.Registry, repository string, image registrytest.Image) {
	w.t.Helper()
	for _, d := range digests(image) {
		if !r.HasTag(w.t, repository, d.String()) {
			require.Equal(w.t, twoOfThree, w.shape.file)
			continue
		}
		expected := w.lab.signatures(w.source, repository, d)
		require.Len(w.t, expected, map[bool]int{true: 2, false: 0}[repository == "good/app"])
		require.Equal(w.t, expected, w.lab.signatures(r, repository, d))
	}
}

// requireAgain wants a second run to change nothing.
func (w *policyWorld) requireAgain(policy policyCase) {
	w.t.Helper()
	w.reset()
	w.requireResults(policy, w.lab.sync(w.file), report.Unchanged)
	for repository := range w.images {
		for _, r := range append(w.destinations, w.source) {
			require.Empty(w.t, writes(r, repository))
		}
	}
}

func (w *policyWorld) requireResults(policy policyCase, results []report.Result, admitted ...report.Status) {
	w.t.Helper()
	require.NotEmpty(w.t, results)
	for _, result := range results {
		if !policy.admits(repositoryOf(result)) {
			w.requireRefused(result)
			continue
		}
		require.Contains(w.t, admitted, result.Status, "%s: %s %+v", result.Destination, result.Reason, result.Error)
	}
}

func (w *policyWorld) requireRefused(result report.Result) {
	w.t.Helper()
	require.Equal(w.t, report.Failed, result.Status, "%+v", result)
	require.Equal(w.t, fault.Policy, result.Error.Kind, "%+v", result.Error)
}

// repositoryOf is the one of the two that a result is about.
func repositoryOf(result report.Result) string {
	for _, repository := range []string{"good/app", "bad/app"} {
		if strings.Contains(result.Source, "/"+repository+":") {
			return repository
		}
	}
	return fmt.Sprintf("none of %+v", result)
}
