package job_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

const (
	older  = "0000000000000000000000000000000000000001_00000001"
	oldest = "0000000000000000000000000000000000000002_00000002"
)

// history is a release that has been promoted, and older ones at its destination.
func history(t *testing.T) *release {
	t.Helper()
	r := newRelease(t, 1, "base", "nova-api").build()
	require.Empty(t, failures(r.promote()))
	for i, name := range r.names {
		for j, hash := range []string{older, oldest} {
			repository := "mirror0/openstack-" + name
			index := registrytest.MultiPlatform(100+10*i+j, "linux/amd64", "linux/ppc64le")
			r.destinations[0].Push(t, repository, hash+"_manifest", index)
			r.destinations[0].Retag(t, repository, index.Children[0].Digest().String(), hash)
			r.destinations[0].Retag(t, repository, index.Children[0].Digest().String(), hash+"_x86_64")
			r.destinations[0].Retag(t, repository, index.Children[1].Digest().String(), hash+"_ppc64le")
		}
	}
	return r
}

func (r *release) prune(p job.Pruning) *report.Report {
	r.t.Helper()
	o := r.options
	o.Verb = job.Prune
	p.Promotion = r.file()
	done, err := job.RunPrune(r.t.Context(), o, p)
	require.NoError(r.t, err)
	return done
}

// hashes are the releases of which tags are there.
func (r *release) hashes(name string) []string {
	r.t.Helper()
	var found []string
	for _, tag := range tagsAt(r.t, r.destinations[0], "mirror0/openstack-"+name) {
		if hash, _, _ := strings.Cut(tag, "_"); hash != "" && len(hash) == 40 && !slices.Contains(found, hash[30:]) {
			found = append(found, hash[30:])
		}
	}
	return found
}

const (
	isOlder, isOldest, isCurrent = "0000000001", "0000000002", "0000000000"
)

func TestAReleaseIsDeletedWithAllItsTags(t *testing.T) {
	t.Parallel()
	r := history(t)
	done := r.prune(job.Pruning{Releases: job.Releases{Hashes: []string{older}}})
	require.Empty(t, failures(done))
	require.Equal(t, 8, done.Summary.Deleted, outcome(done))
	for _, name := range r.names {
		require.Equal(t, []string{isOldest, isCurrent}, r.hashes(name))
	}
	require.Equal(t, r.at(0, "base", hash), r.at(0, "base", label))
	again := r.prune(job.Pruning{Releases: job.Releases{Hashes: []string{older}}})
	require.Equal(t, 2, again.Summary.Unchanged)
	require.False(t, again.Changed)
}

func TestOneImageOfAReleaseIsDeleted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"base", "openstack-base"} {
		r := history(t)
		done := r.prune(job.Pruning{Releases: job.Releases{Hashes: []string{older, oldest}, Images: []string{name}}})
		require.Empty(t, failures(done))
		require.Equal(t, []string{isCurrent}, r.hashes("base"))
		require.Len(t, r.hashes("nova-api"), 3)
	}
}

func TestReleasesThatNoLabelNamesAreDeleted(t *testing.T) {
	t.Parallel()
	r := history(t)
	repository := "mirror0/openstack-base"
	r.destinations[0].Retag(t, repository, oldest, "known-good")
	r.destinations[0].Push(t, repository, "20261121", registrytest.RandomImage(7))

	done := r.prune(job.Pruning{Releases: job.Releases{Unlabelled: true}})

	require.Empty(t, failures(done))
	require.Equal(t, []string{isOldest, isCurrent}, r.hashes("base"), "a label names the oldest")
	require.Equal(t, []string{isCurrent}, r.hashes("nova-api"))
	require.True(t, r.destinations[0].HasTag(t, repository, "20261121"), "it is no hash")
	require.True(t, r.destinations[0].HasTag(t, repository, oldest+"_manifest"), "a release stays as a whole")
	require.True(t, r.destinations[0].HasTag(t, repository, oldest+"_ppc64le"))
	var reasons []string
	for _, result := range done.Results {
		reasons = append(reasons, result.Reason)
	}
	require.Contains(t, reasons, "not deleted: known-good names its release")
	require.Contains(t, reasons, "not deleted: "+label+" names its release")
}

func TestAReleaseThatALabelNamesIsNotDeleted(t *testing.T) {
	t.Parallel()
	r := history(t)
	done := r.prune(job.Pruning{Releases: job.Releases{Hashes: []string{hash}}})
	require.Zero(t, done.Summary.Deleted)
	require.Equal(t, 2, done.Summary.Failed, "one an image")
	require.Contains(t, failures(done), label+" names its release")
	require.Len(t, r.hashes("base"), 3)

	done = r.prune(job.Pruning{Releases: job.Releases{Hashes: []string{hash}}, RemoveLast: true})
	require.Empty(t, failures(done))
	require.Equal(t, []string{isOlder, isOldest}, r.hashes("base"))
	require.NotEmpty(t, r.at(0, "base", label), "labels are never deleted")
}

func TestPruningAPromotionTakesHashesAndImagesThatItHas(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base")
	o := r.options
	o.Verb = job.Prune
	for want, releases := range map[string]job.Releases{
		"no image \"nova\"": {Hashes: []string{older}, Images: []string{"nova"}},
		"not a hash":        {Hashes: []string{"a/b"}},
		"the label":         {Hashes: []string{label}},
	} {
		_, err := job.RunPrune(t.Context(), o, job.Pruning{Promotion: r.file(), Releases: releases})
		require.ErrorContains(t, err, want)
	}
	require.Empty(t, r.destinations[0].Log())
}

// quayLike lets a registry have as much of Quay's API as deleting needs.
func quayLike(t *testing.T, r *registrytest.Registry, token string) *[]string {
	t.Helper()
	var asked []string
	r.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		path, ok := strings.CutPrefix(req.URL.Path, "/api/v1/repository/")
		if !ok {
			return false
		}
		asked = append(asked, req.Method+" "+path)
		if req.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		if repository, tag, isTag := strings.Cut(path, "/tag/"); isTag {
			r.Delete(t, repository, tag)
		}
		w.WriteHeader(http.StatusNoContent)
		return true
	})
	return &asked
}

func TestARepositoryIsRemovedByQuaysAPI(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.TLS())
	asked := quayLike(t, r, "s3cr3t")
	r.Push(t, "ns/app", "1.0", registrytest.MultiPlatform(1, "linux/amd64", "linux/arm64"))
	r.Push(t, "ns/app", "1.1", registrytest.RandomImage(2))
	p := newPruned(t, r, "ns/app")
	p.pruning.AllTags, p.pruning.Repositories, p.pruning.Token = true, true, "s3cr3t"

	p.options.DryRun = true
	require.Equal(t, "app planned, app:1.0 planned, app:1.1 planned", outcome(p.run()))
	require.Empty(t, *asked)

	p.options.DryRun = false
	done := p.run()
	require.Equal(t, "app done, app:1.0 done, app:1.1 done", outcome(done), failures(done))
	slices.Sort((*asked)[:2])
	require.Equal(t, []string{"DELETE ns/app/tag/1.0", "DELETE ns/app/tag/1.1", "DELETE ns/app"}, *asked)
	require.Zero(t, r.Count(registrytest.ManifestDelete))
}

func TestARepositoryStaysWhereATagCouldNotBeDeleted(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, registrytest.TLS())
	asked := quayLike(t, r, "another")
	r.Push(t, "ns/app", "1.0", registrytest.RandomImage(2))
	p := newPruned(t, r, "ns/app")
	p.pruning.AllTags, p.pruning.Repositories, p.pruning.Token = true, true, "s3cr3t"
	done := p.run()
	require.Equal(t, "app skipped, app:1.0 failed", outcome(done))
	require.NotContains(t, *asked, "DELETE ns/app")
	require.NotContains(t, failures(done), "s3cr3t")
}
