package job_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/job"
	"csync/sync/plan"
	"csync/sync/prune"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// kinds are the registries that deletions differ at.
var kinds = []struct {
	name  string
	start func(testing.TB, ...registrytest.Option) *registrytest.Registry
	more  []registrytest.Option
}{
	{"olareg", registrytest.Start, nil},
	{"docker-registry 2", registrytest.Distribution, nil},
	{"distribution 3", registrytest.Distribution, []registrytest.Option{registrytest.Version3()}},
}

// eachKind runs a test at every kind of registry.
func eachKind(t *testing.T, test func(*testing.T, *registrytest.Registry)) {
	t.Helper()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.start(t, kind.more...))
		})
	}
}

// pruned is a prune at a registry.
type pruned struct {
	t        *testing.T
	registry *registrytest.Registry
	options  job.Options
	pruning  job.Pruning
}

func newPruned(t *testing.T, r *registrytest.Registry, references ...string) *pruned {
	t.Helper()
	p := &pruned{t: t, registry: r, options: between(r, r)}
	p.options.Verb, p.options.Sources, p.options.Destinations = job.Prune, nil, nil
	p.options.Registry.RetryDelay = time.Millisecond
	for _, reference := range references {
		p.pruning.References = append(p.pruning.References, "docker://"+r.Host()+"/"+reference)
	}
	return p
}

func (p *pruned) run() *report.Report {
	p.t.Helper()
	done, err := job.RunPrune(p.t.Context(), p.options, p.pruning)
	require.NoError(p.t, err)
	return done
}

// outcome is "1.0 done, 1.1 failed" of a report, with @ for digests.
func outcome(r *report.Report) string {
	var all []string
	for _, result := range r.Results {
		name := result.Destination[strings.LastIndex(result.Destination, "/")+1:]
		if at := strings.IndexByte(name, '@'); at >= 0 {
			name = name[:at+1]
		}
		all = append(all, name+" "+string(result.Status))
	}
	return strings.Join(all, ", ")
}

func tagsAt(t *testing.T, r *registrytest.Registry, repository string) []string {
	t.Helper()
	tags := r.Tags(t, repository)
	slices.Sort(tags)
	return tags
}

func TestATagIsDeletedAndTheOthersStay(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		image, other := registrytest.RandomImage(1), registrytest.RandomImage(2)
		r.Push(t, "app", "1.0", image)
		r.Push(t, "app", "1.1", other)
		r.Retag(t, "app", "1.0", "stable")
		p := newPruned(t, r, "app:1.0")

		p.options.DryRun = true
		planned := p.run()
		require.Equal(t, "app:1.0 planned", outcome(planned))
		require.True(t, planned.DryRun && planned.Changed)
		require.True(t, r.HasTag(t, "app", "1.0"), "without --confirm nothing is deleted")

		p.options.DryRun = false
		done := p.run()
		require.Equal(t, "app:1.0 done", outcome(done), failures(done))
		require.Equal(t, image.Digest(), done.Results[0].PreviousDigest)
		require.Equal(t, report.Delete, done.Results[0].Action)
		require.True(t, done.Results[0].Verified)
		require.Equal(t, 1, done.Summary.Deleted)
		require.Equal(t, []string{"1.1", "stable"}, tagsAt(t, r, "app"))
		require.Equal(t, image.Digest(), r.Digest(t, "app", "stable"))

		again := p.run()
		require.Equal(t, "app:1.0 unchanged", outcome(again))
		require.False(t, again.Changed)
	})
}

func TestOfARepositoryThatIsNotThereNothingIsDeleted(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		require.Equal(t, "none:1.0 unchanged", outcome(newPruned(t, r, "none:1.0").run()))
	})
}

func TestUntaggingNamesWhatWouldBeLostAndRefuses(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
		r.Push(t, "app", "1.0", index)
		r.Push(t, "app", "1.1", registrytest.RandomImage(2))
		r.Retag(t, "app", "1.1", "stable")
		p := newPruned(t, r, "app:1.0", "app:1.1")

		refused := p.run()
		require.Equal(t, "app:1.0 failed, app:1.1 failed, app@ skipped, app@ skipped", outcome(refused))
		require.Contains(t, failures(refused), "nothing would name any more: docker://"+r.Host()+"/app@"+index.Digest().String())
		require.Contains(t, failures(refused), "--remove-last")
		require.Equal(t, []string{"1.0", "1.1", "stable"}, tagsAt(t, r, "app"), "nothing is deleted, not even what would not be lost")

		p.pruning.RemoveLast = true
		done := p.run()
		require.Equal(t, "app:1.0 done, app:1.1 done, app@ done, app@ done", outcome(done), failures(done))
		require.Equal(t, []string{"stable"}, tagsAt(t, r, "app"))
		for _, child := range index.Children {
			require.False(t, r.HasTag(t, "app", child.Digest().String()), "the instances go too")
		}
		require.False(t, r.HasTag(t, "app", index.Digest().String()))
	})
}

func TestTheLastTagOfWhatAnIndexNeedsIsNotDeleted(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
		r.Push(t, "app", "1.0", index)
		r.Retag(t, "app", index.Children[0].Digest().String(), "1.0_x86_64")
		p := newPruned(t, r, "app:1.0_x86_64")

		refused := p.run()
		require.Equal(t, "app:1.0_x86_64 failed", outcome(refused))
		require.Contains(t, failures(refused), "which 1.0 needs")

		p.pruning.RemoveLast = true
		require.Equal(t, "app:1.0_x86_64 done", outcome(p.run()))
		require.Equal(t, []string{"1.0"}, tagsAt(t, r, "app"))
		require.True(t, r.HasTag(t, "app", index.Children[0].Digest().String()), "the instance itself stays")
	})
}

func TestSignaturesAndReferrersGoWithTheirSubject(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		image, kept := registrytest.RandomImage(1), registrytest.RandomImage(2)
		r.Push(t, "app", "1.0", image)
		r.Push(t, "app", "1.1", kept)
		sbom := registrytest.Artifact(&image, "application/vnd.example.sbom")
		keptSBOM := registrytest.Artifact(&kept, "application/vnd.example.sbom")
		for _, artifact := range []registrytest.Image{sbom, keptSBOM} {
			r.Push(t, "app", "", artifact)
		}
		signature, signed := registrytest.CosignSignature(image)
		r.Push(t, "app", signature, signed)
		keptSignature, keptSigned := registrytest.CosignSignature(kept)
		r.Push(t, "app", keptSignature, keptSigned)
		if len(r.Tags(t, "app")) == 4 && !hasReferrersAPI(t, r, image) { // as clients do where there is no API
			r.Push(t, "app", strings.TrimSuffix(signature, ".sig"), registrytest.Index(sbom))
			r.Push(t, "app", strings.TrimSuffix(keptSignature, ".sig"), registrytest.Index(keptSBOM))
		}
		p := newPruned(t, r, "app:1.0")
		p.pruning.RemoveLast = true

		done := p.run()

		require.Empty(t, failures(done))
		require.Equal(t, done.Summary.Total, done.Summary.Deleted)
		require.False(t, r.HasTag(t, "app", signature))
		require.False(t, r.HasTag(t, "app", sbom.Digest().String()))
		require.True(t, r.HasTag(t, "app", keptSignature))
		require.True(t, r.HasTag(t, "app", keptSBOM.Digest().String()))
		for _, tag := range tagsAt(t, r, "app") {
			require.NotContains(t, tag, image.Digest().Encoded())
		}
	})
}

func hasReferrersAPI(t *testing.T, r *registrytest.Registry, image registrytest.Image) bool {
	t.Helper()
	answer, err := http.Get(r.URL() + "/v2/app/referrers/" + image.Digest().String())
	require.NoError(t, err)
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func TestClearingARepositoryDeletesAllTags(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		r.Push(t, "app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
		r.Push(t, "app", "1.1", registrytest.RandomImage(2))
		r.Push(t, "other", "1.1", registrytest.RandomImage(2))
		p := newPruned(t, r, "app")
		p.pruning.AllTags = true
		done := p.run()
		require.Equal(t, 4, done.Summary.Deleted, failures(done))
		require.Empty(t, r.Tags(t, "app"))
		require.Equal(t, []string{"1.1"}, r.Tags(t, "other"))
		require.Empty(t, p.run().Results)
	})
}

func TestADigestIsDeletedThatNoTagLeadsTo(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		image, tagged := registrytest.RandomImage(1), registrytest.RandomImage(2)
		r.Push(t, "app", "", image)
		r.Push(t, "app", "1.0", tagged)
		p := newPruned(t, r, "app@"+image.Digest().String(), "app@"+tagged.Digest().String())
		p.pruning.RemoveLast = true
		done := p.run()
		require.Equal(t, 1, done.Summary.Deleted)
		require.Equal(t, 1, done.Summary.Failed)
		require.Contains(t, failures(done), "1.0 needs it")
		require.False(t, r.HasTag(t, "app", image.Digest().String()))
		require.True(t, r.HasTag(t, "app", "1.0"))
	})
}

// mirror is a source, a destination and a source file.
type mirror struct {
	t                   *testing.T
	source, destination *registrytest.Registry
	file                string
	options             job.Options
}

func newMirror(t *testing.T, destination *registrytest.Registry) *mirror {
	t.Helper()
	m := &mirror{t: t, source: registrytest.Start(t), destination: destination}
	m.options = between(m.source, destination)
	m.options.Sources, m.options.Naming = nil, plan.Naming{Path: plan.PathName}
	m.options.Registry.RetryDelay = time.Millisecond
	m.keys("images: {app: []}")
	return m
}

// keys writes the source file.
func (m *mirror) keys(keys string) {
	m.file = filepath.Join(m.t.TempDir(), "images.yaml")
	require.NoError(m.t, os.WriteFile(m.file, fmt.Appendf(nil, "%q:\n  tls-verify: false\n  %s\n", m.source.Host(), strings.ReplaceAll(keys, "\n", "\n  ")), 0o600))
}

// push gives both sides some tags of images that differ.
func (m *mirror) push(source, destination string) {
	m.t.Helper()
	for r, tags := range map[*registrytest.Registry]string{m.source: source, m.destination: destination} {
		for _, tag := range strings.Fields(tags) {
			r.Push(m.t, "app", tag, registrytest.RandomImage(int(tag[len(tag)-1])))
		}
	}
}

func (m *mirror) sync() *report.Report {
	m.t.Helper()
	o := m.options
	o.SourceFile = m.file
	done, err := job.Run(m.t.Context(), o)
	require.NoError(m.t, err)
	return done
}

func (m *mirror) prune(limit string) *report.Report {
	m.t.Helper()
	o, p := m.options, job.Pruning{}
	o.SourceFile, o.Verb = m.file, job.Prune
	if limit != "" {
		var err error
		p.Limit, err = prune.ParseLimit(limit)
		require.NoError(m.t, err)
	}
	done, err := job.RunPrune(m.t.Context(), o, p)
	require.NoError(m.t, err)
	return done
}

func TestTagsThatTheFileNoLongerNamesAreDeleted(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		m := newMirror(t, r)
		m.push("1.1 1.2", "1.0 1.1 old")
		m.destination.Push(t, "other", "x", registrytest.RandomImage(5))

		m.options.DryRun = true
		require.Equal(t, "app:1.0 planned, app:old planned", outcome(m.prune("")))
		m.options.DryRun = false
		done := m.prune("")
		require.Equal(t, "app:1.0 done, app:old done", outcome(done), failures(done))
		require.Equal(t, []string{"1.1"}, tagsAt(t, r, "app"))
		require.Equal(t, []string{"x"}, tagsAt(t, r, "other"), "what the file does not name is none of its business")

		m.keys("images: {app: [2.0]}")
		require.Equal(t, "app:1.1 done", outcome(m.prune("")), "what is named needs no list")
	})
}

func TestAnEmptySourceListingDeletesNothing(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	for _, keys := range []string{"images-by-tag-regex: {app: '^9'}", "images: {app: ['1.0']}\nimages-by-tag-regex: {app: '^9'}", "images-by-semver: {app: '> 9'}"} {
		m.keys(keys)
		done := m.prune("")
		require.Equal(t, 1, done.Summary.Skipped, outcome(done))
		require.Equal(t, 1, done.Summary.Total)
		m.keys(keys + "\ncsync: {prune: true}")
		done = m.sync()
		require.Zero(t, done.Summary.Deleted+done.Summary.Planned)
		require.Equal(t, []string{"1.0", "1.1"}, tagsAt(t, m.destination, "app"))
	}
	m.source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/tags/list") {
			_, _ = w.Write([]byte(`{"name": "app", "tags": []}`))
			return true
		}
		return false
	})
	m.keys("images: {app: []}\ncsync: {prune: true}")
	require.Equal(t, 1, m.prune("").Summary.Skipped)
	require.Zero(t, m.sync().Summary.Deleted)
	require.Equal(t, []string{"1.0", "1.1"}, tagsAt(t, m.destination, "app"))
}

func TestAFailedSourceListingDeletesNothing(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	m.keys("images: {app: ['1.1']}\nimages-by-tag-regex: {app: '^2'}\ncsync: {prune: true}")
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusInternalServerError} {
		m.source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, "/tags/list") {
				return false
			}
			w.WriteHeader(status)
			return true
		})
		require.Equal(t, "app failed", outcome(m.prune("")))
		done := m.sync()
		require.Equal(t, 1, done.Summary.Failed, outcome(done))
		require.Zero(t, done.Summary.Deleted)
		require.Equal(t, []string{"1.0", "1.1"}, tagsAt(t, m.destination, "app"))
	}
}

func TestAFailedDestinationListingDeletesNothing(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	for _, what := range []string{"/tags/list", "/manifests/1.1"} {
		m.destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, what) {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		})
		done := m.prune("")
		require.Equal(t, "app failed", outcome(done))
		require.True(t, m.destination.HasTag(t, "app", "1.0"), what)
	}
}

func TestMoreThanTheLimitStopsBeforeAnythingIsDeleted(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1 2.0 2.2")
	for _, limit := range []string{"2", "74%", "0"} {
		done := m.prune(limit)
		require.Equal(t, 3, done.Summary.Failed, limit)
		require.Contains(t, failures(done), "--max-delete "+limit)
		require.Equal(t, report.Failed, done.Results[0].Status)
		require.Zero(t, m.destination.Count(registrytest.ManifestDelete))
	}
	m.options.DryRun = true
	require.Equal(t, 3, m.prune("2").Summary.Failed, "also in a dry run")
	m.options.DryRun = false
	require.Equal(t, 3, m.prune("75%").Summary.Deleted)
}

func TestAMirrorRemovesWhatTheSourceHasLost(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, r *registrytest.Registry) {
		m := newMirror(t, r)
		m.keys("images: {app: []}\ncsync: {prune: true}")
		m.push("1.1 1.2 1.3", "1.0 1.1")

		m.options.DryRun = true
		planned := m.sync()
		require.Equal(t, "app:1.0 planned, app:1.1 unchanged, app:1.2 planned, app:1.3 planned", outcome(planned))
		m.options.DryRun = false
		done := m.sync()
		require.Equal(t, "app:1.0 done, app:1.1 unchanged, app:1.2 done, app:1.3 done", outcome(done), failures(done))
		require.Equal(t, 1, done.Summary.Deleted)
		require.Equal(t, []string{"1.1", "1.2", "1.3"}, tagsAt(t, r, "app"))
		require.False(t, m.sync().Changed)
	})
}

func TestAMirrorLeavesAloneWhatItsPatternsDoNotMatch(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1 1.2 1.3 2.4", "1.0 mine 2.9 1.1rc5 2.4")
	m.keys("images-by-tag-regex: {app: '^1'}\ncsync: {prune: true, repositories: {app: {latest: 2, exclude: [rc]}}}")
	done := m.sync()
	require.Empty(t, failures(done))
	require.Equal(t, []string{"1.2", "1.3", "2.4", "2.9", "mine"}, tagsAt(t, m.destination, "app"))
	require.Equal(t, []string{"1.2", "1.3"}, func() []string { m.prune(""); return tagsAt(t, m.destination, "app") }(),
		"csync prune leaves only what the file names")
}

func TestAMirrorLosesAtMostHalfOfARepository(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.keys("images: {app: []}\ncsync: {prune: true}")
	m.push("1.1", "1.0 1.1 1.2")
	done := m.sync()
	require.Equal(t, "app:1.0 failed, app:1.1 unchanged, app:1.2 failed", outcome(done))
	require.Contains(t, failures(done), "would lose 2 of 3 tags, more than --max-delete 50%")
	limit, err := prune.ParseLimit("2")
	require.NoError(t, err)
	m.options.MaxDelete = limit
	require.Equal(t, 2, m.sync().Summary.Deleted)
}

func TestAMirrorKeepsEverythingWhereSomethingHasFailed(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.keys("images: {app: []}\ncsync: {prune: true}")
	m.push("1.1 1.2", "1.0 1.1")
	m.source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, "/manifests/1.2") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	done := m.sync()
	require.Equal(t, "app skipped, app:1.1 unchanged, app:1.2 failed", outcome(done))
	require.Contains(t, done.Results[0].Reason, "app:1.2 failed")
	require.Equal(t, []string{"1.0", "1.1"}, tagsAt(t, m.destination, "app"))
}

func TestAMirrorWithoutTheKeyKeepsEverything(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	require.Zero(t, m.sync().Summary.Deleted)
	m.keys("images: {app: []}\ncsync: {prune: true}")
	m.options.Verb = job.Verify
	require.Equal(t, "app:1.1 unchanged", outcome(m.sync()))
}

func TestNothingIsDeletedWhereSourceAndDestinationAreOne(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1 1.2 1.3 1.4", "")
	m.options.Destinations = []string{"docker://" + m.source.Host()}
	m.keys("images-by-tag-regex: {app: '^1'}\ncsync: {prune: true, repositories: {app: {latest: 2}}}")
	require.Contains(t, failures(m.sync()), "one repository")
	require.Contains(t, failures(m.prune("")), "one repository")
	require.Len(t, m.source.Tags(t, "app"), 4)
}

func TestATagThatComesAboutMeanwhileStopsTheDeletion(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	var lists atomic.Int32
	m.destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/tags/list") && lists.Add(1) == 2 {
			m.destination.Retag(t, "app", "1.0", "needs-it")
		}
		return false
	})
	done := m.prune("")
	require.Equal(t, "app:1.0 failed", outcome(done))
	require.Contains(t, failures(done), "somebody has written docker://"+m.destination.Host()+"/app:needs-it meanwhile")
	require.Equal(t, []string{"1.0", "1.1", "needs-it"}, tagsAt(t, m.destination, "app"))
}

func TestATagThatMovesMeanwhileIsNotDeleted(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	m.destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodHead && strings.HasSuffix(req.URL.Path, "/manifests/1.0") {
			m.destination.Push(t, "app", "1.0", registrytest.RandomImage(9))
		}
		return false
	})
	done := m.prune("")
	require.Equal(t, "app:1.0 failed", outcome(done))
	require.Contains(t, failures(done), "somebody has moved")
	require.Zero(t, m.destination.Count(registrytest.ManifestDelete))
}

func TestARegistryThatKeepsWhatItSaysToHaveDeletedIsFoundOut(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	m.destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete {
			w.WriteHeader(http.StatusAccepted)
			return true
		}
		return false
	})
	done := m.prune("")
	require.Equal(t, "app:1.0 failed", outcome(done))
	require.Contains(t, failures(done), "and still answers with")
	require.False(t, done.Results[0].Verified)
}

func TestWhatShouldHaveStayedAndIsGoneIsFoundOut(t *testing.T) {
	t.Parallel()
	m := newMirror(t, registrytest.Start(t))
	m.push("1.1", "1.0 1.1")
	m.destination.Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete {
			m.destination.Delete(t, "app", "1.1")
		}
		return false
	})
	done := m.prune("")
	require.Equal(t, "app:1.0 done, app:1.1 failed", outcome(done))
	require.Contains(t, failures(done), "it was to stay, and is gone")
	require.Equal(t, registrytest.RandomImage('1').Digest(), done.Results[1].PreviousDigest)
}

func TestInstancesAndSignaturesStayWhereTheirImageCannotBeDeleted(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	index := registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64")
	r.Push(t, "app", "1.0", index)
	signature, signed := registrytest.CosignSignature(index)
	r.Push(t, "app", signature, signed)
	other := registrytest.MultiPlatform(5, "linux/amd64", "linux/arm64")
	r.Push(t, "app", "1.1", other)
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodDelete && strings.HasSuffix(req.URL.Path, index.Digest().Encoded()) {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	p := newPruned(t, r, "app:1.0", "app:1.1")
	p.pruning.RemoveLast = true
	done := p.run()
	require.Equal(t, 4, done.Summary.Failed, outcome(done))
	require.Equal(t, 3, done.Summary.Deleted, "the other image goes as a whole")
	require.Contains(t, failures(done), "not deleted, because deleting docker://"+r.Host()+"/app:1.0 failed")
	require.Equal(t, index.Digest(), r.Digest(t, "app", "1.0"))
	require.True(t, r.HasTag(t, "app", signature))
	for _, child := range index.Children {
		require.True(t, r.HasTag(t, "app", child.Digest().String()))
	}
}

func TestARegistryThatDeletesNothingSaysSo(t *testing.T) {
	t.Parallel()
	for _, r := range []*registrytest.Registry{
		registrytest.Start(t, registrytest.NoDelete()), registrytest.Distribution(t, registrytest.NoDelete()),
	} {
		m := newMirror(t, r)
		m.push("1.1", "1.0 1.1")
		done := m.prune("")
		require.Equal(t, "app:1.0 failed", outcome(done))
		require.Equal(t, []string{"1.0", "1.1"}, tagsAt(t, r, "app"))
	}
}

func TestReferencesThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for reference, want := range map[string]string{
		"app": "names no tag",
		"app:1.0@sha256:" + strings.Repeat("a", 64): "a tag and a digest",
		"App:1.0": "parsing",
	} {
		p := newPruned(t, r, reference)
		_, err := job.RunPrune(t.Context(), p.options, p.pruning)
		require.ErrorContains(t, err, want)
	}
	p := newPruned(t, r, "app:1.0")
	p.pruning.AllTags = true
	_, err := job.RunPrune(t.Context(), p.options, p.pruning)
	require.ErrorContains(t, err, "a repository is meant")
	p.pruning = job.Pruning{References: []string{"docker://app/x:1"}}
	_, err = job.RunPrune(t.Context(), p.options, p.pruning)
	require.ErrorContains(t, err, "names no registry")
	require.Empty(t, r.Log())
}
