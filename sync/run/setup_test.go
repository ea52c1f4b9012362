package run_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/image/trust"
	"csync/sync/memory"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
	"csync/sync/registry/transport"
	"csync/sync/report"
	"csync/sync/run"
	"csync/sync/spec"

	"go.podman.io/image/v5/types"
)

// lab is one run's world: a source file, destinations and a client.
type lab struct {
	t       testing.TB
	client  *registry.Client
	access  transport.Access // of sources and of destinations
	system  *types.SystemContext
	jobs    int
	request plan.Request // what is not as usual
	options run.Options  // the same
	places  []image.Place
}

func newLab(t testing.TB, destinations ...string) *lab {
	t.Helper()
	l := &lab{
		t: t, access: transport.Access{TLSVerify: types.OptionalBoolFalse}, jobs: 16, system: emptySystem(t),
		request: plan.Request{Naming: plan.Naming{Path: plan.PathPath}},
		options: run.Options{Attempts: 2},
	}
	l.connect(transport.Options{MaxRequests: 16, Retries: -1, RetryDelay: time.Millisecond})
	l.options.Copier = &image.Copier{
		Trust: &trust.Trust{Policy: trust.AcceptAnything(), Admitted: memory.New[trust.Admission]()},
		Homes: &trust.Homes{System: l.system, Fetch: l.client.Fetch},
	}
	for _, destination := range destinations {
		l.places = append(l.places, l.place(destination))
	}
	return l
}

// connect makes the client anew.
func (l *lab) connect(o transport.Options) {
	o.System = l.system
	way := transport.New(o)
	l.t.Cleanup(way.Close)
	l.client = registry.NewClient(way, registry.Options{})
}

// emptySystem is a system on which nothing is configured.
func emptySystem(t testing.TB) *types.SystemContext {
	empty := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(empty, "registries.conf"), nil, 0o600))
	return &types.SystemContext{
		SystemRegistriesConfPath: filepath.Join(empty, "registries.conf"), SystemRegistriesConfDirPath: empty,
		RegistriesDirPath: empty, AuthFilePath: filepath.Join(empty, "auth.json"),
		DockerPerHostCertDirPath: empty, BlobInfoCacheDir: empty,
	}
}

func (l *lab) place(name string) image.Place {
	place, err := image.Open(name, image.Access{Client: l.client, Registry: l.access, System: l.system})
	require.NoError(l.t, err)
	return place
}

// plan plans a source file.
func (l *lab) plan(file string) *plan.Plan {
	l.t.Helper()
	wanted, err := spec.Load("images.yaml", strings.NewReader(file), spec.Strict)
	require.NoError(l.t, err)
	return l.planFile(l.t.Context(), wanted)
}

func (l *lab) planFile(ctx context.Context, wanted *spec.File) *plan.Plan {
	request := l.request
	request.File, request.Destinations, request.Client = wanted, l.places, l.client
	request.SourceAccess, request.System, request.Jobs, request.Copier = l.access, l.system, l.jobs, l.options.Copier
	request.OpenDestination = func(name string) (image.Place, error) { return l.place(name), nil }
	return plan.Make(ctx, request)
}

// sync plans and runs it, and returns the results.
func (l *lab) sync(file string) []report.Result {
	l.t.Helper()
	p := l.plan(file)
	l.run(l.t.Context(), p)
	return p.Results()
}

// syncImages copies the images of places that are no registries.
func (l *lab) syncImages(places ...string) []report.Result {
	l.t.Helper()
	l.request.Images = nil
	for _, place := range places {
		images, err := image.List(place, l.system)
		require.NoError(l.t, err)
		l.request.Images = append(l.request.Images, images...)
	}
	p := l.planFile(l.t.Context(), &spec.File{})
	l.run(l.t.Context(), p)
	return p.Results()
}

// run runs a plan and completes the places.
func (l *lab) run(ctx context.Context, p *plan.Plan) {
	l.runWithoutClosing(ctx, p)
	for _, place := range l.places {
		p.Complete(context.WithoutCancel(ctx), place)
	}
}

func (l *lab) runWithoutClosing(ctx context.Context, p *plan.Plan) {
	options := l.options
	options.Jobs = l.jobs
	run.Run(ctx, p, options)
}

// allOf is the source file that wants every tag of the repositories.
func allOf(source *registrytest.Registry, repositories ...string) string {
	file := source.Host() + ":\n  images:\n"
	for _, repository := range repositories {
		file += "    " + repository + ": []\n"
	}
	return file
}

// oneOf is the source file that wants one tag or digest of a repository, with
// further lines of the registry, indented by two.
func oneOf(source *registrytest.Registry, repository, reference string, lines ...string) string {
	file := source.Host() + ":\n  images:\n    " + repository + ": ['" + reference + "']\n"
	for _, line := range lines {
		file += "  " + strings.ReplaceAll(line, "\n", "\n  ") + "\n"
	}
	return file
}

// requireAll wants every result to have a status.
func requireAll(t testing.TB, status report.Status, results []report.Result) {
	t.Helper()
	require.NotEmpty(t, results)
	for _, result := range results {
		message := ""
		if result.Error != nil {
			message = result.Error.Message
		}
		require.Equal(t, status, result.Status, "%s: %s %s", result.Destination, message, result.Reason)
	}
}

// requireFailure wants a result that failed in one way, and says so with all of
// the words.
func requireFailure(t testing.TB, result report.Result, kind fault.Kind, side fault.Side, words ...string) {
	t.Helper()
	require.Equal(t, report.Failed, result.Status, "%+v", result)
	require.NotNil(t, result.Error)
	require.Equal(t, kind, result.Error.Kind, result.Error.Message)
	require.Equal(t, side, result.Error.Side, result.Error.Message)
	for _, word := range words {
		require.Contains(t, result.Error.Message, word)
	}
}
