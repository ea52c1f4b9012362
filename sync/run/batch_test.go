package run

import (
	"context"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"
	"go.podman.io/image/v5/types"

	"csync/sync/content"
	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

var (
	digestA = digest.FromString("a")
	digestB = digest.FromString("b")
)

// stepOf copies HOST/app:1.0 from one host to another; no registry is there.
func stepOf(t *testing.T, client *registry.Client, source, destination string) *plan.Step {
	t.Helper()
	locate := func(host string) image.Location {
		named, err := reference.ParseNormalizedNamed(host + "/app")
		require.NoError(t, err)
		repository, err := client.Destination(named, transport.Access{})
		require.NoError(t, err)
		l, err := image.InRegistry(repository, "1.0")
		require.NoError(t, err)
		return l
	}
	from, to := locate(source), locate(destination)
	return &plan.Step{
		Wish:    plan.Wish{Action: report.Copy, Source: from, Destination: to},
		Outcome: plan.Outcome{Result: report.Result{Action: report.Copy, Source: from.String(), Destination: to.String()}},
	}
}

func newClient(t *testing.T) *registry.Client {
	way := transport.New(transport.Options{System: &types.SystemContext{
		SystemRegistriesConfPath: "/dev/null", SystemRegistriesConfDirPath: t.TempDir(),
	}})
	t.Cleanup(way.Close)
	return registry.NewClient(way, registry.Options{})
}

func TestStepsGoTogetherWhereTheyCopyTheSameBytes(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*plan.Step)
		want   int // batches
	}{
		{"the same image", func(*plan.Step) {}, 1},
		{"of a tag that has moved meanwhile", func(s *plan.Step) { s.SourceDigest = digestB }, 2},
		{"of which another part is wanted", func(s *plan.Step) { s.Wanted = digestB }, 2},
		{"of another source", func(s *plan.Step) { s.Result.Source = "docker://other.test/app:1.0" }, 2},
		{"that moves no blob", func(s *plan.Step) { s.Action = report.Retag }, 2},
		{"that comes from no registry", func(s *plan.Step) { s.Source = image.Location{} }, 2},
		{"that goes to no registry", func(s *plan.Step) { s.Destination = image.Location{} }, 2},
		{"that is done", func(s *plan.Step) { s.Result.Status = report.Unchanged }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := newClient(t)
			one, two := stepOf(t, client, "a.test", "b.test"), stepOf(t, client, "a.test", "c.test")
			for _, step := range []*plan.Step{one, two} {
				step.SourceDigest, step.Wanted = digestA, digestA
			}
			test.change(two)

			all := batches([]*plan.Step{one, two}, nil)

			require.Len(t, all, test.want)
		})
	}
}

func TestStepsWithOtherSelectionsAreReadByThemselvesWhereNobodyKnowsWhatIsChosen(t *testing.T) {
	amd64, arm64 := []v1.Platform{{OS: "linux", Architecture: "amd64"}}, []v1.Platform{{OS: "linux", Architecture: "arm64"}}
	for _, test := range []struct {
		name     string
		one, two content.Selection
		want     int // batches
	}{
		{"the same platforms", content.Selection{Platforms: amd64}, content.Selection{Platforms: amd64}, 1},
		{"the same system", content.Selection{System: &types.SystemContext{}}, content.Selection{System: &types.SystemContext{}}, 1},
		{"other platforms", content.Selection{Platforms: amd64}, content.Selection{Platforms: arm64}, 2},
		{"all platforms", content.Selection{Platforms: amd64}, content.Selection{}, 2},
		{"platforms that may be missing", content.Selection{Platforms: amd64}, content.Selection{Platforms: amd64, AllowMissing: true}, 2},
		{"another system", content.Selection{System: &types.SystemContext{}}, content.Selection{System: &types.SystemContext{ArchitectureChoice: "none"}}, 2},
		{"a system", content.Selection{}, content.Selection{System: &types.SystemContext{}}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := newClient(t)
			one, two := stepOf(t, client, "a.test", "b.test"), stepOf(t, client, "a.test", "c.test")
			one.Selection, two.Selection = test.one, test.two

			require.Len(t, batches([]*plan.Step{one, two}, nil), test.want)
		})
	}
}

func TestABatchIsReadOnceOnlyForSeveralRegistries(t *testing.T) {
	client := newClient(t)
	one, two, three := stepOf(t, client, "a.test", "b.test"), stepOf(t, client, "a.test", "b.test"), stepOf(t, client, "a.test", "c.test")
	elsewhere := stepOf(t, client, "a.test", "b.test")
	elsewhere.Destination = image.Location{}

	require.False(t, batches([]*plan.Step{one, two}, nil)[0].several())
	require.True(t, batches([]*plan.Step{one, two, three}, nil)[0].several())
	require.False(t, batches([]*plan.Step{elsewhere}, nil)[0].several())
}

func TestABatchThatHasEndedKeepsNoManifest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	step := stepOf(t, newClient(t), "a.test", "b.test")
	b := batches([]*plan.Step{step}, nil)[0]
	b.confirmed = registry.Manifest{Bytes: []byte("{}")}
	r := &runner{Options: Options{Copier: &image.Copier{}}, progress: listeners{}, blobs: newBlobs(1, listeners{})}

	r.batch(ctx, b)

	require.True(t, fault.Is(step.Err, fault.Cancelled), step.Err)
	require.Nil(t, b.original)
	require.Empty(t, b.confirmed)
}

func TestWhatWasWrittenMustBeWhatWasPlanned(t *testing.T) {
	for _, test := range []struct {
		name            string
		planned, source digest.Digest
		read            digest.Digest // at the source by the run
		mayChange       bool
		fails           bool
		reason          string
	}{
		{name: "as planned", planned: digestA, source: digestA},
		{name: "not as planned", planned: digestB, source: digestA, fails: true},
		{name: "what the registry takes instead", planned: digestB, source: digestB, read: digestB, mayChange: true, reason: "converted to " + v1.MediaTypeImageManifest},
		{name: "what the registry takes of another source", planned: digestB, source: digestB, read: digestA, mayChange: true, fails: true},
		{name: "nothing was planned", source: digestA},
		{name: "another than the source", source: digestB, reason: "converted to " + v1.MediaTypeImageManifest},
	} {
		t.Run(test.name, func(t *testing.T) {
			step := stepOf(t, newClient(t), "a.test", "b.test")
			step.Wanted, step.SourceDigest, step.Result.SourceDigest = test.planned, test.source, test.source
			written := v1.Descriptor{Digest: digestA, MediaType: v1.MediaTypeImageManifest}

			r := &runner{Options: Options{Copier: &image.Copier{AllowConversion: test.mayChange}}}

			err := r.check(step, image.Copied{Source: test.read, Manifest: written, Verified: true})

			if test.fails {
				require.True(t, fault.Is(err, fault.DigestMismatch), err)
				require.Equal(t, fault.Destination, fault.SideOf(err))
				require.False(t, step.Result.Verified)
				return
			}
			require.NoError(t, err)
			require.Equal(t, digestA, step.Result.Digest)
			require.True(t, step.Result.Verified)
			require.Equal(t, test.reason, step.Result.Reason)
			require.Equal(t, test.planned, step.Wanted, "the plan stays as it was")
		})
	}
}
