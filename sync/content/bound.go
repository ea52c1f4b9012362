package content

import (
	"fmt"
	"sync/atomic"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
)

const (
	maxDepth = 8 // of indexes in indexes; real ones nest twice
	// maxInstances bounds how many manifests are read for one image, so that
	// indexes which list each other many times end soon.
	maxInstances = 1000
	maxLoads     = 32 // manifests of one index that are read at the same time
)

// bound ends the reading of indexes that a registry makes endless.
type bound struct{ instances atomic.Int64 }

// enter counts the instances of an index that is that deep in others, 1 being
// the outermost.
func (b *bound) enter(index digest.Digest, depth, instances int) error {
	if depth > maxDepth {
		return fault.New(fault.Unsupported, fmt.Errorf("reading index %s: indexes nest more than %d deep", index, maxDepth))
	}
	if b.instances.Add(int64(instances)) > maxInstances {
		return fault.New(fault.Unsupported, fmt.Errorf("reading index %s: it has more than %d instances", index, maxInstances))
	}
	return nil
}
