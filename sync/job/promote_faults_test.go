package job_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// statuses are those of the results for a tag.
func statuses(r *report.Report, tag string) map[report.Status]int {
	found := map[report.Status]int{}
	for _, result := range r.Results {
		if strings.HasSuffix(result.Destination, ":"+tag) {
			found[result.Status]++
		}
	}
	return found
}

// refuse answers 403 to every write of a manifest whose path ends so.
func refuse(registry *registrytest.Registry, suffix string) {
	registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
}

func TestAMissingImageFailsAPromotionBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.names = append(r.names, "missing")

	done := r.promote()

	require.Equal(t, 3, done.Summary.Failed) // at each site
	require.Contains(t, failures(done), "openstack-missing:"+hash)
	require.False(t, done.Changed)
	for _, d := range r.destinations {
		require.Zero(t, d.BlobBytesWritten())
		require.Empty(t, d.Tags(t, "mirror0/openstack-base"))
	}

	r.promotion.AllowPartial = true
	done = r.promote()
	require.Equal(t, 3, done.Summary.Failed)
	require.Equal(t, r.at(0, "base", hash), r.at(0, "base", label))
	require.Equal(t, r.at(1, "nova-api", hash), r.at(1, "nova-api", label))
}

func TestAMissingPlatformFailsUnlessItIsOptional(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	r.platforms = "platforms: {linux/amd64: _x86_64, linux/ppc64le: _ppc64le}\n"

	done := r.promote()

	require.Contains(t, failures(done), "openstack-nova-api:"+hash+"_ppc64le")
	require.Zero(t, r.destinations[0].BlobBytesWritten())
}

func TestAnImageOfAnotherPlatformThanItsTagSaysIsNotPromoted(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	r.source.Push(t, "tripleomaster/openstack-base", hash+"_ppc64le", registrytest.RandomImage(7, registrytest.WithPlatform("linux/arm64")))

	done := r.promote()

	require.Contains(t, failures(done), "the image is for linux/arm64, and should be for linux/ppc64le")
	require.Empty(t, r.at(0, "base", label))
}

func TestNoLabelMovesWhereOneDestinationFails(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 3, "base", "nova-api", "keystone").build()
	refuse(r.destinations[1], "/openstack-keystone/manifests/"+hash)

	done := r.promote()

	require.Equal(t, 1, done.Summary.Failed, failures(done))
	for i := range r.destinations {
		for _, name := range r.names {
			require.Empty(t, r.at(i, name, label))
		}
	}
	require.Empty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
	require.Equal(t, map[report.Status]int{report.Skipped: 12}, statuses(done, label))
	require.NotEmpty(t, r.at(0, "keystone", hash), "what was brought stays")

	r.destinations[1].Intercept(nil)
	done = r.promote()
	require.Zero(t, done.Summary.Failed, failures(done))
	require.Equal(t, map[report.Status]int{report.Done: 12}, statuses(done, label))
}

func TestLabelsGoBackWhereOneCannotMove(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 3, "base", "nova-api", "keystone").build()
	old := registrytest.RandomImage(99)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, old)
	refuse(r.destinations[2], "/openstack-keystone/manifests/"+label)
	r.options.Jobs = 1 // so that others move before

	done := r.promote()

	require.Equal(t, 1, done.Summary.Failed, failures(done))
	require.Positive(t, done.Summary.RolledBack)
	require.Equal(t, old.Digest().String(), r.at(0, "base", label))
	for i := range r.destinations {
		for _, name := range r.names {
			if i > 0 || name != "base" {
				require.Empty(t, r.at(i, name, label), "%d %s", i, name)
			}
			require.NotEmpty(t, r.at(i, name, hash))
		}
	}
	for _, result := range done.Results {
		if result.Status == report.RolledBack && strings.Contains(result.Destination, "mirror0/openstack-base:") {
			require.Equal(t, old.Digest(), result.PreviousDigest)
		}
	}
}

func TestARollbackRestoresEveryDigest(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	old := registrytest.RandomImage(99)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, old)
	require.Empty(t, failures(r.promote()))
	require.NotEqual(t, old.Digest().String(), r.at(0, "base", label))

	r.promotion.Rollback = true
	r.options.DryRun = true
	planned := r.promote()
	require.Equal(t, planned.Summary.Total, planned.Summary.Planned)
	r.options.DryRun = false
	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, 6, done.Summary.Total) // two names at three sites
	require.Equal(t, old.Digest().String(), r.at(0, "base", label))
	require.Empty(t, r.at(0, "nova-api", label))
	require.Empty(t, r.at(1, "base", label))
	require.Empty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
	require.NotEmpty(t, r.at(1, "base", hash), "contents stay")

	again := r.promote()
	require.Zero(t, again.Summary.Total)
}

func TestARollbackLeavesWhatSomebodyElseHasMovedSince(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	r.promote()
	other := registrytest.RandomImage(77)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, other)

	r.promotion.Rollback = true
	done := r.promote()

	require.Equal(t, 1, done.Summary.Failed)
	require.Contains(t, failures(done), "somebody else has moved it to "+other.Digest().String())
	require.Equal(t, other.Digest().String(), r.at(0, "base", label))
	require.Empty(t, r.at(0, "nova-api", label))
}

func TestALabelThatSomebodyElseMovesMeanwhileStopsThePromotion(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	other := registrytest.RandomImage(77)
	var moved atomic.Bool
	r.destinations[0].Intercept(func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, "_manifest") && !moved.Swap(true) {
			require.NoError(t, r.destinations[0].Put("mirror0/openstack-base", label, other))
		}
		return false
	})

	done := r.promote()

	require.Contains(t, failures(done), "moved by somebody else")
	require.Equal(t, other.Digest().String(), r.at(0, "base", label))
	require.Empty(t, r.at(0, "nova-api", label))
	require.Empty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
}

func TestALabelThatThePolicyForbidsStopsThePromotionBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	r.destinations[0].Push(t, "mirror0/openstack-base", label, registrytest.RandomImage(77))
	r.more = "tag-policy: {immutable: [current]}\n"
	before := r.destinations[0].BlobBytesWritten()

	done := r.promote()

	require.Contains(t, failures(done), "may not be moved")
	require.Equal(t, before, r.destinations[0].BlobBytesWritten())
	require.Empty(t, r.at(0, "base", hash))
}

func TestAGateThatRefusesKeepsEveryLabelWhereItIs(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.more = "gate: [/bin/sh, -c, 'echo seen $0; case $0 in *nova*) exit 1;; esac', \"{reference}\"]\n"

	done := r.promote()

	require.Contains(t, failures(done), "refuses")
	require.Contains(t, failures(done), "exit status 1: seen ")
	for i := range r.destinations {
		require.Empty(t, r.at(i, "base", label))
		require.Empty(t, r.at(i, "nova-api", label))
	}
	for _, result := range done.Results {
		if strings.HasSuffix(result.Destination, ":"+label) {
			require.NotNil(t, result.Gate)
			require.Contains(t, result.Gate.Output, "@sha256:")
		}
	}
	r.more = strings.Replace(r.more, "exit 1", "exit 0", 1)
	require.Empty(t, failures(r.promote()))
	require.Equal(t, r.at(0, "base", hash), r.at(0, "base", label))
}

func TestARollbackLabelNamesWhatTheLabelDid(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	old := registrytest.RandomImage(99)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, old)
	r.more = "rollback-label: \"previous-{label}\"\n"

	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, old.Digest().String(), r.at(0, "base", "previous-"+label))
	require.Empty(t, r.at(0, "nova-api", "previous-"+label))
}

func TestAnInterruptedPromotionSendsItsLabelsBack(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r.destinations[1].Intercept(func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, "openstack-nova-api/manifests/"+label) {
			cancel()
		}
		return false
	})
	o, p := r.options, r.promotion
	o.SourceFile, p.Journal, o.Jobs = r.file(), r.journal, 1

	done, err := p.Run(ctx, o)

	require.NoError(t, err)
	require.True(t, done.Failed())
	for i := range r.destinations {
		for _, name := range r.names {
			require.Empty(t, r.at(i, name, label), "%d %s", i, name)
		}
	}
	r.destinations[1].Intercept(nil)
	require.Empty(t, failures(r.promote()))
}

func TestAnUnfinishedPromotionIsGoneOnWithOrUndone(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	r.promote()
	whole, err := os.ReadFile(r.journal)
	require.NoError(t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	unfinished := append(bytes.Join(lines[:len(lines)-2], nil), []byte(`{"en`)...) // killed while it wrote its end
	require.NoError(t, os.WriteFile(r.journal, unfinished, 0o600))

	_, err = r.try()
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	require.ErrorContains(t, err, "--resume")

	r.promotion.Resume = true
	r.promotion.Hash = "another"
	_, err = r.try()
	require.ErrorContains(t, err, "is of "+hash+", not of another")

	r.promotion.Hash = ""
	require.Empty(t, failures(r.promote()))
	r.promotion.Resume, r.promotion.Rollback = false, true
	require.Empty(t, failures(r.promote()))
	require.Empty(t, r.at(0, "base", label))
}

func TestAJournalThatIsNoneIsAnInputError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"of a newer version":      {`{"journal":"csync.journal/2"}` + "\n", `"csync.journal/2"`},
		"of something else":       {"hello\n", "1: it is no line of a journal"},
		"of another promotion":    {`{"journal":"csync.journal/1","promotion":"sha256:00","hash":"h","label":"l"}` + "\n", "it is of another promotion, of h to l"},
		"without its first lines": {`{"end":"done"}` + "\n", "does not begin with a promotion"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, 1, "base").build()
			require.NoError(t, os.WriteFile(r.journal, []byte(test.content), 0o600))
			_, err := r.try()
			require.ErrorContains(t, err, test.want)
			require.Zero(t, r.destinations[0].BlobBytesWritten())
		})
	}
}

func TestNoLabelMovesWhereADestinationHasLostALayer(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	lost := registrytest.RandomImage(0, registrytest.WithPlatform("linux/amd64")).Blobs[1].Digest().String()
	var written atomic.Bool
	r.destinations[1].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		written.CompareAndSwap(false, req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, "/openstack-base/manifests/"+hash+"_manifest"))
		if !written.Load() || req.Method != http.MethodHead || !strings.HasSuffix(req.URL.Path, "/blobs/"+lost) {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	})

	done := r.promote()

	require.Contains(t, failures(done), "blob "+lost+" of instance sha256:")
	for i := range r.destinations {
		require.Empty(t, r.at(i, "base", label))
		require.Empty(t, r.at(i, "nova-api", label))
	}
	require.Equal(t, map[report.Status]int{report.Done: 3, report.Failed: 1, report.Unchanged: 2}, statuses(done, hash), "at the source, too")

	for _, deep := range []bool{false, true} {
		r.options.Verb, r.options.Deep = job.Verify, deep
		require.Equal(t, deep, strings.Contains(failures(r.promote()), lost), "--deep asks for it: %t", deep)
	}
}

func TestADestinationThatGoesAwayWhileLabelsMoveIsPutRightLater(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api", "keystone").build()
	old := registrytest.RandomImage(99)
	for i, d := range r.destinations {
		for _, name := range r.names {
			d.Push(t, fmt.Sprintf("mirror%d/openstack-%s", i, name), label, old)
		}
	}
	var gone atomic.Bool
	r.destinations[1].Intercept(func(w http.ResponseWriter, request *http.Request) bool {
		if gone.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		gone.Store(request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, "/"+label)) // this one is done
		return false
	})
	r.options.Jobs, r.options.Registry.Retries = 1, -1

	done := r.promote()

	require.True(t, done.Failed())
	require.Contains(t, failures(done), "--rollback")
	for _, name := range r.names {
		require.Equal(t, old.Digest().String(), r.at(0, name, label))
	}
	r.destinations[1].Intercept(nil)
	_, err := r.try()
	require.ErrorContains(t, err, "--rollback undoes")
	undo := *r
	undo.promotion.Rollback = true
	require.Empty(t, failures(undo.promote()))
	for i := range r.destinations {
		for _, name := range r.names {
			require.Equal(t, old.Digest().String(), r.at(i, name, label))
		}
	}
	require.Empty(t, failures(r.promote()))
}

func TestADestinationThatCanOnlyBeReadFailsWithoutALabelMoved(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.destinations[1].Intercept(func(w http.ResponseWriter, request *http.Request) bool {
		writes := request.Method != http.MethodGet && request.Method != http.MethodHead
		if writes {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return writes
	})

	done := r.promote()

	require.True(t, done.Failed())
	require.Empty(t, r.at(0, "base", label))
	require.NotEmpty(t, r.at(0, "base", hash))
	require.Empty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
}

func TestAManifestThatARegistrySaysItHasAndHasNotIsFoundBeforeLabelsMove(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.destinations[1].Intercept(func(w http.ResponseWriter, request *http.Request) bool {
		if request.Method != http.MethodPut || !strings.HasSuffix(request.URL.Path, "openstack-base/manifests/"+hash) {
			return false
		}
		w.Header().Set("Docker-Content-Digest", digestAt(t, r.source, "tripleomaster/openstack-base", hash))
		w.WriteHeader(http.StatusCreated)
		return true
	})

	done := r.promote()

	require.True(t, done.Failed())
	for i := range r.destinations {
		require.Empty(t, r.at(i, "base", label))
		require.Empty(t, r.at(i, "nova-api", label))
	}
	for _, result := range done.Results {
		require.False(t, result.Verified && result.Status == report.Failed)
	}
}

func TestTwoImagesThatWantOneTagStopThePromotion(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	o, p := r.options, r.promotion
	o.SourceFile, p.Journal = r.file(), r.journal
	text, err := os.ReadFile(o.SourceFile)
	require.NoError(t, err)
	renamed := strings.Replace(string(text), "namespace: mirror0,", "namespace: mirror0, rename: {'.*': same},", 1)
	require.NoError(t, os.WriteFile(o.SourceFile, []byte(renamed), 0o600))

	done, err := p.Run(t.Context(), o)

	require.NoError(t, err)
	require.Contains(t, failures(done), "would be written here as well")
	require.Zero(t, r.destinations[0].BlobBytesWritten())
}

func TestALabelThatSomebodyElseMovesAfterUsIsFoundAtTheEnd(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	other := registrytest.RandomImage(77)
	var moved atomic.Bool
	r.source.Intercept(func(_ http.ResponseWriter, request *http.Request) bool { // whose labels move last
		if request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, "/"+label) && !moved.Swap(true) {
			require.NoError(t, r.destinations[0].Put("mirror0/openstack-base", label, other))
		}
		return false
	})

	done := r.promote()

	require.True(t, done.Failed())
	require.Contains(t, failures(done), "the reference names "+other.Digest().String())
	require.Equal(t, other.Digest().String(), r.at(0, "base", label))
	require.Empty(t, r.at(0, "nova-api", label))
	require.Empty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
}

func TestNoOtherLabelIsBegunOnceOneCouldNotMove(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api", "keystone").build()
	refuse(r.destinations[0], "/manifests/"+label)
	r.options.Jobs = 1

	done := r.promote()

	require.Equal(t, map[report.Status]int{report.Failed: 1, report.Skipped: 8}, statuses(done, label))
}

func TestAResumedPromotionLeavesLabelsThatSomebodyElseHasMovedSince(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	r.promote()
	whole, err := os.ReadFile(r.journal)
	require.NoError(t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	require.NoError(t, os.WriteFile(r.journal, bytes.Join(lines[:len(lines)-2], nil), 0o600))
	other := registrytest.RandomImage(77)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, other)
	r.promotion.Resume = true

	done := r.promote()

	require.Contains(t, failures(done), "somebody else has moved it to "+other.Digest().String()+" since the promotion began")
	require.Equal(t, other.Digest().String(), r.at(0, "base", label))
}

func TestARollbackPutsBackTagsOfContentsThatHaveMoved(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	old := registrytest.RandomImage(99)
	r.destinations[0].Push(t, "mirror0/openstack-base", hash, old)
	require.Empty(t, failures(r.promote()))
	require.NotEqual(t, old.Digest().String(), r.at(0, "base", hash))

	r.promotion.Rollback = true
	require.Empty(t, failures(r.promote()))

	require.Equal(t, old.Digest().String(), r.at(0, "base", hash))
}

func TestAPromotionThatMovedNothingLeavesTheOneBeforeItToUndo(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	require.Empty(t, failures(r.promote()))
	failing := *r
	failing.promotion.Hash = "ffffffff_00000000" // of which nothing is there but one image
	r.source.Push(t, "tripleomaster/openstack-base", "ffffffff_00000000", registrytest.RandomImage(5))
	r.source.Push(t, "tripleomaster/openstack-base", "ffffffff_00000000_x86_64", registrytest.RandomImage(5))
	failing.promotion.AllowPartial = true
	refuse(r.destinations[0], "/manifests/ffffffff_00000000")
	require.True(t, failing.promote().Failed())
	r.destinations[0].Intercept(nil)

	r.promotion.Rollback = true
	done := r.promote()

	require.Empty(t, failures(done))
	require.Equal(t, 4, done.Summary.Total)
	require.Empty(t, r.at(0, "base", label))
	require.Zero(t, r.promote().Summary.Total)
}

func TestAPromotionWithinTheSourceCanBeUndone(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 0, "base").build()
	r.destinations = []*registrytest.Registry{r.source}
	r.same = true
	require.Empty(t, failures(r.promote()))
	require.NotEmpty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))

	r.promotion.Rollback = true
	require.Empty(t, failures(r.promote()))

	require.Empty(t, digestAt(t, r.source, "tripleomaster/openstack-base", label))
}
