package content

import (
	"fmt"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/registry"
)

const (
	maxDepth = 8 // of indexes in indexes; real ones nest twice
	// maxInstances bounds how many manifests are read for one image, so that
	// indexes which list each other many times end soon.
	maxInstances = 1000
	// maxTree bounds the bytes of all manifests below one, which are in memory at
	// the same time.
	maxTree     = 64 << 20
	maxManifest = 4 << 20 // what a registry's may have
	maxLoads    = 32      // manifests of one index that are read at the same time
)

// bound ends the reading of indexes that a registry makes endless.
type bound struct{ instances, bytes atomic.Int64 }

// enter counts the instances of an index that is that deep in others, 1 being
// the outermost, and the bytes that it says they have.
func (b *bound) enter(index digest.Digest, depth int, instances []v1.Descriptor) error {
	if depth > maxDepth {
		return fault.New(fault.Unsupported, fmt.Errorf("reading index %s: indexes nest more than %d deep", index, maxDepth))
	}
	if b.instances.Add(int64(len(instances))) > maxInstances {
		return fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it has more than %d instances", index, maxInstances))
	}
	for _, d := range instances {
		if !isManifest(d.MediaType) {
			continue
		}
		if err := b.hold(min(d.Size, maxManifest)); err != nil {
			return fmt.Errorf("reading index %s: %w", index, err)
		}
	}
	return nil
}

// weigh counts the bytes of an instance beyond those that its index says it has.
func (b *bound) weigh(m registry.Manifest, said v1.Descriptor) error {
	if err := b.hold(int64(len(m.Bytes)) - said.Size); err != nil {
		return fmt.Errorf("reading instance %s: %w", m.Digest, err)
	}
	return nil
}

// hold counts so many bytes; less than none are none.
func (b *bound) hold(bytes int64) error {
	if b.bytes.Add(max(bytes, 0)) > maxTree {
		return fault.New(fault.Unsupported, fmt.Errorf("the manifests of one image have more than %d bytes", maxTree))
	}
	return nil
}
