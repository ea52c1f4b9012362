package job_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// killAtTheEnd leaves the journal as one who was killed before its last line.
func (r *release) killAtTheEnd() {
	r.t.Helper()
	whole, err := os.ReadFile(r.journal)
	require.NoError(r.t, err)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	require.NoError(r.t, os.WriteFile(r.journal, bytes.Join(lines[:len(lines)-2], nil), 0o600))
}

func TestAResumedPromotionThatFindsEverythingInPlaceComesToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	r.promote()
	r.killAtTheEnd()
	r.promotion.Resume = true
	require.Empty(t, failures(r.promote()))

	r.promotion.Resume = false
	require.Empty(t, failures(r.promote()), "the next one may begin")
}

func TestAJournalIsDoneWithOnceItIsRolledBackButForWhatOthersHaveMoved(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	r.promote()
	r.killAtTheEnd()
	other := registrytest.RandomImage(77)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, other)
	undo := *r
	undo.promotion.Rollback = true
	require.Contains(t, failures(undo.promote()), "somebody else has moved it")

	require.Empty(t, failures(r.promote()), "the next one may begin")
}

func TestAResumedPromotionThatCannotBeFinishedSendsItsLabelsBack(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base").build()
	old := registrytest.RandomImage(99)
	for i, d := range r.destinations {
		d.Push(t, []string{"mirror0", "mirror1"}[i]+"/openstack-base", label, old)
	}
	r.promote()
	r.killAtTheEnd()
	r.destinations[1].Push(t, "mirror1/openstack-base", label, old) // as if killed before it moved
	r.more = "gate: [/bin/false, \"{reference}\"]\n"
	r.promotion.Resume = true

	done := r.promote()

	require.Contains(t, failures(done), "refuses")
	require.Equal(t, old.Digest().String(), r.at(1, "base", label))
	require.Equal(t, old.Digest().String(), r.at(0, "base", label), "everywhere or nowhere")
}

func TestARollbackThatTheRegistryOnlySaysToHaveDoneHasFailed(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base", "nova-api").build()
	old := registrytest.RandomImage(99)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, old)
	r.promote()
	r.destinations[0].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case !strings.HasSuffix(req.URL.Path, "/manifests/"+label):
			return false
		case req.Method == http.MethodPut:
			w.Header().Set("Docker-Content-Digest", old.Digest().String())
			w.WriteHeader(http.StatusCreated)
			return true
		case req.Method == http.MethodDelete:
			w.WriteHeader(http.StatusAccepted)
			return true
		}
		return false
	})
	r.promotion.Rollback = true

	done := r.promote()

	require.Equal(t, 2, done.Summary.Failed, failures(done))
	for _, result := range done.Results {
		require.False(t, result.Status == report.Failed && result.Verified)
	}
}

// fillDisk has nothing more be written to the file that this process has open.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	all, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, entry := range all {
		if name, _ := os.Readlink(filepath.Join("/proc/self/fd", entry.Name())); name == path {
			fd, err := strconv.Atoi(entry.Name())
			require.NoError(t, err)
			require.NoError(t, unix.Dup3(int(full.Fd()), fd, unix.O_CLOEXEC))
		}
	}
}

func TestAJournalThatCannotBeWrittenAnyMoreIsAFailureInTheReport(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		when  string
		moved bool
	}{
		"before the labels": {"/manifests/" + hash + "_manifest", false},
		"after the labels":  {"/manifests/" + label, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, 1, "base").build()
			var full atomic.Bool
			r.destinations[0].Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
				if req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, test.when) && !full.Swap(true) {
					fillDisk(t, r.journal)
				}
				return false
			})

			done, err := r.try()

			require.NoError(t, err, "much was attempted")
			require.Contains(t, failures(done), "writing journal")
			require.Equal(t, test.moved, r.at(0, "base", label) != "")
		})
	}
}

func TestATagThatSomebodyElseHasMovedSinceIsNotTakenWhenAPromotionGoesOn(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	r.destinations[0].Push(t, "mirror0/openstack-base", hash, registrytest.RandomImage(99))
	r.promote()
	r.killAtTheEnd()
	other := registrytest.RandomImage(77)
	r.destinations[0].Push(t, "mirror0/openstack-base", hash, other)
	r.promotion.Resume = true

	done := r.promote()

	require.Contains(t, failures(done), "somebody else has moved it to "+other.Digest().String())
	require.Equal(t, other.Digest().String(), r.at(0, "base", hash))
}

func TestARollbackLabelThatTheRegistryOnlySaysToHaveHasFailed(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	old := registrytest.RandomImage(99)
	r.destinations[0].Push(t, "mirror0/openstack-base", label, old)
	r.more = "rollback-label: \"previous-{label}\"\n"
	r.destinations[0].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, "/manifests/previous-"+label) {
			return false
		}
		w.Header().Set("Docker-Content-Digest", old.Digest().String())
		w.WriteHeader(http.StatusCreated)
		return true
	})

	done := r.promote()

	require.True(t, done.Failed())
	require.Equal(t, old.Digest().String(), r.at(0, "base", label))
}

func TestATagThatSomebodyElseMovesMeanwhileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	r.destinations[0].Push(t, "mirror0/openstack-base", hash, registrytest.RandomImage(99))
	other := registrytest.RandomImage(77)
	var moved atomic.Bool
	r.destinations[0].Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && !moved.Swap(true) { // the first upload
			require.NoError(t, r.destinations[0].Put("mirror0/openstack-base", hash, other))
		}
		return false
	})

	done := r.promote()

	require.Contains(t, failures(done), "moved by somebody else")
	require.Equal(t, other.Digest().String(), r.at(0, "base", hash))
	require.Empty(t, r.at(0, "base", label))
}
