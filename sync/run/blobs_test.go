package run

import (
	"errors"
	"testing"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"go.podman.io/image/v5/docker/reference"

	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/registry/transport"
	"csync/sync/report"
)

// repositories are repositories by their names, which nothing is asked of.
func repositories(t *testing.T, names ...string) []*registry.Repository {
	t.Helper()
	way := transport.New(transport.Options{})
	t.Cleanup(way.Close)
	client := registry.NewClient(way, registry.Options{})
	var all []*registry.Repository
	for _, name := range names {
		named, err := reference.ParseNormalizedNamed(name)
		require.NoError(t, err)
		repository, err := client.Destination(named, transport.Access{})
		require.NoError(t, err)
		all = append(all, repository)
	}
	return all
}

// ledger is what blobs know, with one step that needs one blob everywhere.
type ledger struct {
	*blobs
	step *plan.Step
}

func newLedger() ledger { return ledger{newBlobs(1, nil), &plan.Step{}} }

func (l ledger) blob(in *registry.Repository) (blobKey, image.Blob) {
	blob := image.Blob{Descriptor: v1.Descriptor{Digest: digest.FromString("a blob"), Size: 10}, Destination: in}
	return l.use(l.step, blob, false), blob
}

// claimed is what there is to do in the repository, and whether that has to wait.
func (l ledger) claimed(in *registry.Repository) (claim, bool) {
	state, wait := l.claim(l.blob(in))
	return state, wait != nil
}

func (l ledger) settled(in *registry.Repository, was claim, err error) {
	key, blob := l.blob(in)
	l.settle(key, blob, was, err)
}

func TestABlobIsBroughtOnceToARegistryAndMountedInItsOtherRepositories(t *testing.T) {
	t.Parallel()
	in, l := repositories(t, "a.example/x", "a.example/y", "b.example/x"), newLedger()

	state, waits := l.claimed(in[0])
	require.Equal(t, absent, state)
	require.False(t, waits)
	for _, same := range in[:2] {
		_, waits = l.claimed(same)
		require.True(t, waits, "it is on its way to that registry")
	}
	state, waits = l.claimed(in[2])
	require.Equal(t, absent, state)
	require.False(t, waits, "another registry")

	l.settled(in[0], absent, nil)
	state, waits = l.claimed(in[0])
	require.Equal(t, there, state)
	require.False(t, waits)
	state, waits = l.claimed(in[1])
	require.Equal(t, mountable, state)
	require.False(t, waits)
	key, _ := l.blob(in[1])
	from, hubs := l.mountFrom(key)
	require.Same(t, in[0], from)
	require.Equal(t, in[:1], hubs)
	_, waits = l.claimed(in[1])
	require.True(t, waits, "it is being mounted there")
}

func TestABlobThatDidNotArriveIsBroughtByTheNextThatWantsIt(t *testing.T) {
	t.Parallel()
	in, l := repositories(t, "a.example/x", "a.example/y"), newLedger()
	l.claimed(in[0])
	key, blob := l.blob(in[1])
	_, wait := l.claim(key, blob)

	l.settled(in[0], absent, errors.New("refused"))

	<-wait // which it does not have to any more
	state, waits := l.claimed(in[1])
	require.Equal(t, absent, state)
	require.False(t, waits)
}

func TestAManifestIsNotTakenFromAnotherRepository(t *testing.T) {
	t.Parallel()
	in, l := repositories(t, "a.example/x", "a.example/y"), newLedger()
	claims := func(in *registry.Repository) claim {
		blob := image.Blob{Descriptor: v1.Descriptor{Digest: digest.FromString("a manifest")}, Destination: in}
		key := l.use(l.step, blob, true)
		state, wait := l.claim(key, blob)
		require.Nil(t, wait)
		l.settle(key, blob, state, nil)
		return state
	}
	require.Equal(t, absent, claims(in[0]))
	require.Equal(t, absent, claims(in[1]))
}

func TestOneTokenAsksForABoundedNumberOfRepositories(t *testing.T) {
	t.Parallel()
	l := newLedger()
	names := []string{"a.example/a", "a.example/b", "a.example/c", "a.example/d", "a.example/e", "a.example/f", "a.example/g", "a.example/h", "a.example/i", "a.example/j"}
	for _, repository := range repositories(t, names...) {
		l.hub(0, repository)
		l.hub(0, repository)
	}
	require.Len(t, l.hubs[0], maxHubs)
}

func TestBytesCountForTheFirstStepThatNeedsThem(t *testing.T) {
	t.Parallel()
	in := repositories(t, "a.example/x", "a.example/y")
	l := ledger{newBlobs(1, nil), &plan.Step{}}
	first, second, failed := l.step, &plan.Step{}, &plan.Step{}
	failed.Result.Status = report.Failed
	key, _ := l.blob(in[0])
	for i, step := range []*plan.Step{second, failed, first} { // which is chance
		l.step = step
		l.blob(in[i%2])
		l.blob(in[i%2])
	}
	l.needs(second, key.digest)
	l.got(key.digest, 7)
	l.wrote(key, 9)

	l.attribute([]*plan.Step{first, second, failed})

	require.EqualValues(t, 7, first.Result.BytesRead)
	require.EqualValues(t, 9, first.Result.BytesWritten)
	require.Zero(t, first.Result.BytesReused)
	require.Zero(t, second.Result.BytesRead+second.Result.BytesWritten)
	require.EqualValues(t, 10, second.Result.BytesReused)
	require.Zero(t, failed.Result.BytesReused)
}
