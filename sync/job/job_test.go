package job_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/types"

	"csync/sync/fault"
	"csync/sync/job"
	"csync/sync/plan"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// between are the options of a run from one registry to another, of every tag of
// app.
func between(source, destination *registrytest.Registry) job.Options {
	loopback := transport.Access{TLSVerify: types.OptionalBoolFalse}
	return job.Options{
		Verb: job.Sync, Version: "test",
		Sources: []string{"docker://" + source.Host() + "/app"}, Destinations: []string{"docker://" + destination.Host()},
		Naming: plan.Naming{Path: plan.PathPath}, Jobs: 2,
		SourceAccess: loopback, DestinationAccess: loopback, Trust: job.Trust{Insecure: true},
	}
}

func TestARunGoesFromOptionsToReport(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1", registrytest.RandomImage(1))
	source.Push(t, "app", "2", registrytest.RandomImage(2))
	o := between(source, destination)

	o.DryRun = true
	planned, err := job.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 2, planned.Summary.Planned)
	require.True(t, planned.DryRun)

	o.DryRun = false
	copied, err := job.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 2, copied.Summary.Copied)
	require.Equal(t, "sync", copied.Verb)

	o.Verb = job.Verify
	verified, err := job.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 2, verified.Summary.Unchanged)
	require.Equal(t, "verify", verified.Verb)
}

func TestWhatCannotBeAttemptedHasNoReport(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	for name, wrong := range map[string]func(*job.Options){
		"a file that is not there": func(o *job.Options) { o.SourceFile = filepath.Join(t.TempDir(), "none.yaml") },
		"no destination":           func(o *job.Options) { o.Destinations = nil },
		"a place that is none":     func(o *job.Options) { o.Destinations = []string{"floppy:a"} },
		"an unknown format":        func(o *job.Options) { o.Format = "zip" },
		"a policy against itself":  func(o *job.Options) { o.Trust.RequireSigned = true },
		"a key that is not there":  func(o *job.Options) { o.Signing.PrivateKey = filepath.Join(t.TempDir(), "none.key") },
	} {
		o := between(source, destination)
		wrong(&o)
		r, err := job.Run(t.Context(), o)
		require.Nil(t, r, name)
		require.True(t, fault.Is(err, fault.Input), "%s: %v", name, err)
	}
	require.Empty(t, source.Counts())
	require.Empty(t, destination.Counts())
}

func TestACancelledRunHasAFullReport(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1", registrytest.RandomImage(1))
	ctx, cancel := context.WithCancel(t.Context())
	destination.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
		cancel()
		<-r.Context().Done()
		return true
	})
	r, err := job.Run(ctx, between(source, destination))
	require.NoError(t, err)
	require.Equal(t, 1, r.Summary.Failed)
	require.Equal(t, fault.Cancelled, r.Results[0].Error.Kind)
}

func TestTheSkopeoFormSaysWhatEndedTheRun(t *testing.T) {
	t.Parallel()
	source, destination := registrytest.Start(t), registrytest.Start(t)
	source.Push(t, "app", "1", registrytest.RandomImage(1))
	policy := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(policy, []byte(`{"default": [{"type": "insecureAcceptAnything"}]}`), 0o644))
	o := between(source, destination)
	o.Sources, o.Destinations, o.Trust = nil, nil, job.Trust{}
	o.Registry.System = &types.SystemContext{SignaturePolicyPath: policy}
	form := job.Skopeo{From: "docker", To: "docker", Source: source.Host() + "/app:1", Destination: destination.Host()}
	r, err := job.RunSkopeo(t.Context(), o, form)
	require.NoError(t, err)
	require.Equal(t, report.Done, r.Results[0].Status)

	form.Source = source.Host() + "/app:none"
	r, err = job.RunSkopeo(t.Context(), o, form)
	var missing *job.NotFoundError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, report.Failed, r.Results[0].Status)
}

func TestBlobsThatHaveToWaitDoSoWhereTheUserSays(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	plain := registrytest.Blob{MediaType: "application/vnd.oci.image.layer.v1.tar", Content: []byte("not compressed")}
	for name, change := range map[string]func(*job.Options){
		"for several registries": func(o *job.Options) {
			o.Destinations = append(o.Destinations, "docker://"+registrytest.Start(t).Host())
		},
		"to be compressed": func(o *job.Options) { o.Format = "oci" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, destination := registrytest.Start(t), registrytest.Start(t)
			source.Push(t, "app", "1", registrytest.RandomImage(1, registrytest.WithLayers(plain)))
			o := between(source, destination)
			o.Registry.System = &types.SystemContext{BigFilesTemporaryDir: missing}
			change(&o)

			done, err := job.Run(t.Context(), o)

			require.NoError(t, err)
			require.Equal(t, report.Failed, done.Results[0].Status)
			require.Contains(t, done.Results[0].Error.Message, missing)
		})
	}
}
