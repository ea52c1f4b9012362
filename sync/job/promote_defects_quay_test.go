package job_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

// The defects of rdo-infra's copy-quay, and R1 of the role, which is about Quay's
// API as well: each as a test of what happens now.

// quayAPI has a destination make repositories by Quay's API, which gives the
// answers, the last of them from then on, and returns what it was asked.
func (r *release) quayAPI(destination int, answers ...int) func() []string {
	r.t.Helper()
	token := filepath.Join(r.t.TempDir(), "token")
	require.NoError(r.t, os.WriteFile(token, []byte("t0ken\n"), 0o600))
	if r.ofSide == nil {
		r.ofSide = map[int]string{}
	}
	r.ofSide[destination] = fmt.Sprintf(", create-repositories: public, token-file: %q", token)
	var one sync.Mutex
	var asked []string
	r.destinations[destination].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasPrefix(req.URL.Path, "/api/v1/repository") {
			return false
		}
		one.Lock()
		defer one.Unlock()
		body, _ := io.ReadAll(req.Body)
		asked = append(asked, string(body))
		answer := answers[min(len(asked), len(answers))-1]
		w.WriteHeader(answer)
		if answer == http.StatusBadRequest {
			_, _ = io.WriteString(w, `{"error_message": "Repository already exists"}`)
		}
		return true
	})
	return func() []string {
		one.Lock()
		defer one.Unlock()
		return asked
	}
}

// R1: the prefix of an image's name was put before it twice.
// Q3: the API of quay.io was asked, wherever the images went.
func TestDefectsR1AndQ3RepositoriesAreMadeWhereAndAsTheImagesAreCalled(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	asked := r.quayAPI(1, http.StatusCreated, http.StatusBadRequest) // the second is there already
	r.destinations[0].Intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		require.NotContains(t, req.URL.Path, "/api/")
		return false
	})

	require.Empty(t, failures(r.promote()))

	require.Len(t, asked(), 2)
	for i, name := range r.names {
		require.Contains(t, asked()[i], `"namespace":"mirror1"`)
		require.Contains(t, asked()[i], `"repository":"openstack-`+name+`"`)
		require.Equal(t, r.at(1, name, hash), r.at(1, name, label))
	}
	require.Empty(t, failures(r.promote()))
	require.Len(t, asked(), 2, "what is there is not made again")
}

// Q1: whatever happened to images, the exit code was 0.
// Q2: a tag that was refused was a success.
func TestDefectsQ1AndQ2ATagThatIsRefusedFailsThePromotion(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusInternalServerError, http.StatusCreated} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, 2, "base", "nova-api").build()
			r.destinations[0].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, "/openstack-base/manifests/"+label) {
					return false
				}
				w.WriteHeader(status) // 201 as well: nothing is stored
				return true
			})

			done := r.promote()

			require.True(t, done.Failed(), "which is exit code 3")
			failed := r.resultAt(done, 0, "base", label)
			require.Equal(t, report.Failed, failed.Status)
			require.False(t, failed.Verified)
			require.Empty(t, r.at(1, "nova-api", label))
		})
	}
}

// Q4: an image whose digest could not be had was in no list of the report.
// Q6: an error of the server ended the program.
func TestDefectsQ4AndQ6EveryTagHasAResultWhateverTheServerAnswers(t *testing.T) {
	t.Parallel()
	whole := newRelease(t, 1, "base", "nova-api").build()
	total := whole.promote().Summary.Total
	for name, answer := range map[string]func(http.ResponseWriter){
		"an error":                func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"a page":                  func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>please log in</html>") },
		"nothing":                 func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"a manifest that is none": func(w http.ResponseWriter) { w.Header().Set("Docker-Content-Digest", "sha256:0") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, 1, "base", "nova-api").build()
			r.destinations[0].Intercept(func(w http.ResponseWriter, req *http.Request) bool {
				if !strings.Contains(req.URL.Path, "/openstack-nova-api/manifests/") {
					return false
				}
				answer(w)
				return true
			})

			done := r.promote()

			require.Equal(t, total, done.Summary.Total)
			require.Equal(t, report.Failed, r.resultAt(done, 0, "nova-api", hash).Status)
			require.Empty(t, r.at(0, "base", label))
		})
	}
}

// Q5: DLRN failed, the hash was empty, Quay took that for any tag, and the label
// went to whatever was newest.
func TestDefectQ5WithoutAHashNoRegistryIsAskedForAnything(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{``, `[]`, `[{"aggregate_hash": ""}]`, `<html>`, `503`} {
		r := newRelease(t, 1, "base").build()
		r.source.Reset()
		dlrn := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if answer == "503" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, answer)
		})
		r.hash = fmt.Sprintf("{dlrn: {url: \"http://%s/api\", promote-name: current-tripleo}}", dlrn)

		_, err := r.try()

		require.ErrorContains(t, err, dlrn)
		require.Empty(t, r.source.Log())
		require.Empty(t, r.destinations[0].Log())
	}
	r := newRelease(t, 1, "base").build()
	r.hash = `""`
	_, err := r.try()
	require.ErrorContains(t, err, "hash")
}

// Q7: an image without a repository was skipped, and not among the failed ones.
func TestDefectQ7ARepositoryThatCannotBeMadeFailsItsImage(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 2, "base", "nova-api").build()
	r.quayAPI(1, http.StatusCreated, http.StatusForbidden)

	done := r.promote()

	failed := r.resultAt(done, 1, "nova-api", hash)
	require.Equal(t, report.Failed, failed.Status)
	require.Contains(t, failed.Error.Message, "creating repository mirror1/openstack-nova-api")
	require.NotEmpty(t, r.at(1, "base", hash))
	require.Equal(t, map[report.Status]int{report.Skipped: 6}, statuses(done, label))
}
