package run_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
	"csync/sync/spec"

	"github.com/opencontainers/go-digest"
)

func TestAFurtherTagOfAnImageThatIsAskedForTwiceFollowsTheOneThatIsCopied(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	sum := source.Push(t, "app", "1.0", registrytest.RandomImage(1))
	l := newLab(t, "docker://"+destination.Host())
	asked := func(tags ...string) spec.Source {
		reference, err := spec.Reference(source.Host() + "/app")
		require.NoError(t, err)
		reference.Repositories[0].All = false
		reference.Repositories[0].Digests = []spec.Digest{{Digest: digest.Digest(sum), Tags: tags}}
		return reference
	}
	p := l.planFile(t.Context(), &spec.File{Sources: []spec.Source{asked("v1"), asked("v1", "v2")}})

	l.run(t.Context(), p)

	results := p.Results()
	require.Len(t, results, 2)
	for i, tag := range []string{"v1", "v2"} {
		require.Equal(t, report.Done, results[i].Status, results[i].Error)
		require.Equal(t, sum, destination.Digest(t, "app", tag))
	}
}

func TestASourceThatBreaksOffOnceIsReadAgainForAllDestinations(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	quick, slow := registrytest.Start(t), registrytest.Start(t)
	layer := registrytest.RandomLayer(1, 300_000)
	sum := source.Push(t, "app", "1.0", registrytest.RandomImage(1, registrytest.WithLayers(layer)))
	var broken atomic.Bool
	source.Intercept(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != fmt.Sprintf("/v2/app/blobs/%s", layer.Digest()) || broken.Swap(true) {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(layer.Size()))
		_, _ = w.Write(layer.Content[:200_000])
		panic(http.ErrAbortHandler)
	})
	l := newLab(t, "docker://"+quick.Host(), "docker://"+slow.Host())

	for _, result := range l.sync(allOf(source, "app")) {
		require.Equal(t, report.Done, result.Status, result.Error)
	}
	require.Equal(t, sum, quick.Digest(t, "app", "1.0"))
	require.Equal(t, sum, slow.Digest(t, "app", "1.0"))
}

func TestWhatRefersToAnImageIsSkippedWhereItCannotBeKept(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	pushSigned(t, source, "app", "1.0")
	results := newLab(t, "dir:"+t.TempDir()+"/d").sync(
		fmt.Sprintf("%s:\n  images: {app: ['1.0']}\n  csync: {repositories: {app: {referrers: true}}}\n", source.Host()))
	require.Len(t, results, 2)
	require.Equal(t, report.Done, results[0].Status, results[0].Error)
	require.Equal(t, report.Skipped, results[1].Status)
	require.Contains(t, results[1].Reason, "only a registry or an OCI layout keeps what refers to an image")
}

func TestVerifyTellsARefusalFromAnAbsence(t *testing.T) {
	t.Parallel()
	source := registrytest.Start(t)
	destination := registrytest.Start(t, registrytest.Basic("ci", "secret"))
	image := registrytest.RandomImage(1)
	source.Push(t, "app", "1.0", image)
	destination.Push(t, "app", "1.0", image)
	l := newLab(t)
	l.access = transport.Access{TLSVerify: l.access.TLSVerify, Username: "ci", Password: "wrong"}
	l.places = append(l.places, l.place("docker://"+destination.Host()))

	p := l.plan(allOf(source, "app"))
	p.Verify(t.Context(), 1)

	requireFailure(t, p.Results()[0], fault.Unauthorized, fault.Destination, "csync login")
}

func TestAnInstanceThatAnIndexRepeatsIsReadOnce(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	image := registrytest.RandomImage(1)
	var instances []registrytest.Image
	for range 50 {
		instances = append(instances, image)
	}
	inner := registrytest.Index(instances...)
	sum := source.Push(t, "app", "1.0", registrytest.Index(inner, inner, inner))
	source.Reset()

	results := newLab(t, "docker://"+destination.Host()).sync(allOf(source, "app"))

	require.Equal(t, report.Done, results[0].Status, results[0].Error)
	require.Equal(t, sum, destination.Digest(t, "app", "1.0"))
	require.Equal(t, 3, source.Count(registrytest.ManifestGet), source.Counts())
}
