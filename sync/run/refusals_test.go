package run_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
)

func TestWhatARegistryRefusesIsAFailureOfThatKindAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	requests := map[string]struct {
		kind registrytest.Kind
		side fault.Side
	}{
		"tag list":       {registrytest.TagList, fault.Source},
		"manifest":       {registrytest.ManifestGet, fault.Source},
		"manifest head":  {registrytest.ManifestHead, fault.Source},
		"blob":           {registrytest.BlobGet, fault.Source},
		"upload":         {registrytest.UploadStart, fault.Destination},
		"end of upload":  {registrytest.UploadFinish, fault.Destination},
		"manifest write": {registrytest.ManifestPut, fault.Destination},
	}
	answers := []struct {
		status int
		code   string
		kind   fault.Kind
		word   string
	}{
		{http.StatusUnauthorized, "UNAUTHORIZED", fault.Unauthorized, "csync login"},
		{http.StatusForbidden, "DENIED", fault.Denied, "denied"},
		{http.StatusNotFound, "NAME_UNKNOWN", fault.NotFound, "not known"},
		{http.StatusTooManyRequests, "TOOMANYREQUESTS", fault.RateLimited, "too many requests"},
		{http.StatusServiceUnavailable, "UNAVAILABLE", fault.Network, "unavailable"},
		{http.StatusInsufficientStorage, "UNKNOWN", fault.Network, "as the test wants"},
	}
	for name, request := range requests {
		for _, answer := range answers {
			t.Run(name+" "+http.StatusText(answer.status), func(t *testing.T) {
				t.Parallel()
				source, other, destination := registrytest.Start(t), registrytest.Start(t), registrytest.Start(t)
				source.Push(t, "app", "1.0", registrytest.RandomImage(1))
				other.Push(t, "web", "1.0", registrytest.RandomImage(2))
				refusing := answering(request.kind, answer.status, answer.code)
				if request.side == fault.Source {
					source.Intercept(refusing)
				} else {
					destination.Intercept(onlyFor("app", refusing))
				}

				results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app") + allOf(other, "web"))

				require.Len(t, results, 2)
				host := map[fault.Side]string{fault.Source: source.Host(), fault.Destination: destination.Host()}[request.side]
				requireFailure(t, results[0], answer.kind, request.side, host)
				if request.kind != registrytest.ManifestHead { // whose answer has no body
					require.Contains(t, results[0].Error.Message, answer.word)
				}
				require.Equal(t, report.Done, results[1].Status, "%+v", results[1].Error)
				require.Empty(t, destination.Tags(t, "app"))
			})
		}
	}
}

func TestAnAccountThatMayPushButNotPullStillPushes(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	destination.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			return false
		}
		http.Error(w, "", http.StatusForbidden)
		return true
	})

	requireAll(t, report.Done, newLab(t, "docker://"+destination.Host()).sync(oneOf(source, "app", "1.0")))

	require.Equal(t, sum, destination.Digest(t, "app", "1.0"))
}

func TestAnAbsentSourceIsNotFound(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Distribution(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))

	results := newLab(t, "docker://"+destination.Host()).sync(
		source.Host() + ":\n  images: {app: ['1.0', '2.0'], nowhere: ['1.0']}\n")

	require.Len(t, results, 3)
	require.Equal(t, report.Done, results[0].Status, "an absent destination repository is simply made")
	requireFailure(t, results[1], fault.NotFound, fault.Source, source.Host()+"/app:2.0")
	requireFailure(t, results[2], fault.NotFound, fault.Source, source.Host()+"/nowhere:1.0")
	require.Equal(t, []string{"1.0"}, destination.Tags(t, "app"))
}

func TestATagListWithImpossibleTagsFails(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if !matching(registrytest.TagList, req) {
			return false
		}
		_, _ = w.Write([]byte(`{"name":"app","tags":["1.0","../../etc/passwd"]}`))
		return true
	})

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app"))

	require.Len(t, results, 1)
	requireFailure(t, results[0], fault.Unsupported, fault.Source, source.Host(), "../../etc/passwd")
	requireOnlyReads(t, destination)
}

// onlyFor limits an answer to one repository.
func onlyFor(repository string, answer func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		prefix := "/v2/" + repository + "/"
		return len(req.URL.Path) > len(prefix) && req.URL.Path[:len(prefix)] == prefix && answer(w, req)
	}
}
