package run

import (
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"

	"csync/sync/image"
	"csync/sync/plan"
	"csync/sync/registry"
	"csync/sync/report"
)

// blobs knows of every blob in which repositories of each destination registry
// it is, and sees to it that it moves once for each registry: whoever needs it
// while it is on its way waits, and mounts it.
type blobs struct {
	attempts int
	progress Progress

	mu    sync.Mutex
	known map[blobKey]*shared
	uses  map[*plan.Step]map[blobKey]bool // what each step needs, each blob once
	read  map[digest.Digest]int64         // bytes that came from sources
	// hosts numbers the destination registries: repositories between which a
	// blob can be mounted have the same number.
	hosts []*registry.Repository
	// hubs are the repositories of each registry that others mount from, so that
	// one token of a repository does for all its mounts.
	hubs map[int][]*registry.Repository
}

// maxHubs bounds the repositories that one token asks for.
const maxHubs = 8

// blobKey is a blob in a destination registry, or a manifest in a repository.
type blobKey struct {
	registry   int
	repository *registry.Repository // of a manifest; nil for a blob
	digest     digest.Digest
}

// shared is what is known of one blob in one registry. Its fields are guarded by
// blobs.mu.
type shared struct {
	in      []*registry.Repository                 // where it is
	coming  map[*registry.Repository]chan struct{} // where it will be; closed when that is decided
	mover   *registry.Repository                   // where the upload that is under way goes
	moving  chan struct{}                          // an upload is under way somewhere; closed when it has ended
	written int64                                  // bytes at the wire, of all attempts
	size    int64                                  // as far as a manifest says
}

func newBlobs(attempts int, progress Progress) *blobs {
	return &blobs{
		attempts: max(attempts, 1), progress: progress,
		known: map[blobKey]*shared{}, uses: map[*plan.Step]map[blobKey]bool{}, read: map[digest.Digest]int64{},
		hubs: map[int][]*registry.Repository{},
	}
}

// use notes that the step needs the blob, or the manifest.
func (b *blobs) use(step *plan.Step, blob image.Blob, manifest bool) blobKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := b.key(blob, manifest)
	b.known[key].size = max(b.known[key].size, blob.Size)
	b.noteUse(step, key)
	return key
}

// noteUse is called with the lock held.
func (b *blobs) noteUse(step *plan.Step, key blobKey) {
	if b.uses[step] == nil {
		b.uses[step] = map[blobKey]bool{}
	}
	b.uses[step][key] = true
}

// key is what the blob, or the manifest, is known by.
func (b *blobs) key(blob image.Blob, manifest bool) blobKey {
	key := blobKey{registry: b.registry(blob.Destination), digest: blob.Digest}
	if manifest { // which cannot be mounted
		key.repository = blob.Destination
	}
	if b.known[key] == nil {
		b.known[key] = &shared{coming: map[*registry.Repository]chan struct{}{}}
	}
	return key
}

// reads is the registry of what a step only reads.
const reads = -1

// needs notes that the step reads the blob, wherever its bytes go.
func (b *blobs) needs(step *plan.Step, d digest.Digest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := blobKey{registry: reads, digest: d}
	if b.known[key] == nil {
		b.known[key] = &shared{}
	}
	b.noteUse(step, key)
}

// registry is the number of a repository's registry.
func (b *blobs) registry(repository *registry.Repository) int {
	at := slices.IndexFunc(b.hosts, repository.SameRegistry)
	if at < 0 {
		at = len(b.hosts)
		b.hosts = append(b.hosts, repository)
	}
	return at
}

// wrote notes bytes that went to a registry.
func (b *blobs) wrote(key blobKey, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[key].written += bytes
}

// got notes bytes that came from a source.
func (b *blobs) got(d digest.Digest, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read[d] += bytes
}

// attribute counts in each step's result the bytes of its blobs. Which step it
// was that moved a shared blob is chance; so that equal runs give equal reports,
// the first in order that needs it counts as the one.
func (b *blobs) attribute(steps []*plan.Step) {
	for _, step := range steps {
		for key := range b.uses[step] {
			state := b.known[key]
			step.Result.BytesRead += b.read[key.digest]
			b.read[key.digest] = 0
			if state.written == 0 && step.Result.Status != report.Failed {
				step.Result.BytesReused += state.size
			}
			step.Result.BytesWritten += state.written
			state.written = 0
		}
	}
}

// claim is what there is to do for a blob.
type claim int

const (
	there     claim = iota // nothing to do
	mountable              // it is in another repository of the registry
	absent                 // nobody has brought it yet
)

// claim says what there is to do for the blob, and marks it as being done; or
// returns what to wait for before asking again.
func (b *blobs) claim(key blobKey, blob image.Blob) (claim, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.known[key]
	for _, repository := range state.in {
		if repository == blob.Destination {
			return there, nil
		}
	}
	if coming := state.coming[blob.Destination]; coming != nil {
		return absent, coming
	}
	if len(state.in) == 0 && state.moving != nil {
		b.hub(key.registry, state.mover)
		return absent, state.moving
	}
	state.coming[blob.Destination] = make(chan struct{})
	if len(state.in) > 0 {
		b.hub(key.registry, state.in[0])
		return mountable, nil
	}
	state.moving, state.mover = make(chan struct{}), blob.Destination
	return absent, nil
}

// hub notes that others mount from the repository.
func (b *blobs) hub(number int, repository *registry.Repository) {
	hubs := b.hubs[number]
	if len(hubs) < maxHubs && !slices.Contains(hubs, repository) {
		b.hubs[number] = append(hubs, repository)
	}
}

// mountFrom is where a blob can be mounted from, and the other hubs of that
// registry.
func (b *blobs) mountFrom(key blobKey) (from *registry.Repository, hubs []*registry.Repository) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[key].in[0], slices.Clone(b.hubs[key.registry])
}

// settle ends what claim began. Those who waited look again: after a failure
// one of them tries for itself.
func (b *blobs) settle(key blobKey, blob image.Blob, was claim, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state := b.known[key]
	if err == nil {
		state.in = append(state.in, blob.Destination)
	}
	close(state.coming[blob.Destination])
	delete(state.coming, blob.Destination)
	if was == absent {
		close(state.moving)
		state.moving = nil
	}
}
