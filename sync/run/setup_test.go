package run_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/registrytest"
	"csync/sync/report"
	"csync/sync/run"
	"csync/sync/spec"

	"go.podman.io/image/v5/types"
)

// lab is one run's world: a source file, destinations and a client.
type lab struct {
	t      testing.TB
	client *registry.Client
	access registry.Access
	system *types.SystemContext
	jobs   int
	places []image.Place
}

func newLab(t testing.TB, destinations ...string) *lab {
	t.Helper()
	l := &lab{t: t, access: registry.Access{TLSVerify: types.OptionalBoolFalse}, jobs: 16}
	empty := t.TempDir()
	require.NoError(t, os.WriteFile(empty+"/registries.conf", nil, 0o600))
	l.system = &types.SystemContext{
		SystemRegistriesConfPath: empty + "/registries.conf", SystemRegistriesConfDirPath: empty, RegistriesDirPath: empty, AuthFilePath: empty + "/auth.json",
	}
	l.client = registry.NewClient(registry.Options{MaxRequests: 16, Retries: -1, RetryDelay: time.Millisecond, System: l.system})
	t.Cleanup(l.client.Close)
	for _, destination := range destinations {
		l.places = append(l.places, l.place(destination))
	}
	return l
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
	return plan.Make(l.t.Context(), plan.Request{
		File: wanted, Destinations: l.places, Naming: plan.Naming{Path: plan.PathPath}, Client: l.client,
		SourceAccess: l.access, System: l.system, Jobs: l.jobs,
	})
}

// sync plans and runs it, and returns the results.
func (l *lab) sync(file string) []report.Result {
	l.t.Helper()
	p := l.plan(file)
	l.run(l.t.Context(), p)
	return p.Results()
}

func (l *lab) run(ctx context.Context, p *plan.Plan) {
	run.Run(ctx, p, run.Options{Copier: &image.Copier{Policy: image.AcceptAnything()}, Jobs: l.jobs, Attempts: 2})
}

// allOf is the source file that wants every tag of the repositories.
func allOf(source *registrytest.Registry, repositories ...string) string {
	file := source.Host() + ":\n  images:\n"
	for _, repository := range repositories {
		file += "    " + repository + ": []\n"
	}
	return file
}
