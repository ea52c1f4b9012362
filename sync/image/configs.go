package image

import (
	"context"
	"sync"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/content"
	"csync/sync/fault"
)

// maxHeld bounds the configs that are kept, in bytes as their manifests tell.
const maxHeld = 32 << 20

// configs are configs by their digests, each read when it is first asked for:
// however many images, destinations and libraries want it.
type configs struct {
	mu    sync.Mutex
	reads map[digest.Digest]func() ([]byte, error)
	held  int64
}

// read reads the config, or waits for another who does. Who was read for in vain
// reads for itself.
func (c *configs) read(ctx context.Context, d v1.Descriptor, open openBlob) ([]byte, error) {
	for {
		config, err := c.reader(ctx, d, open)()
		if err == nil {
			return config, nil
		}
		c.mu.Lock()
		delete(c.reads, d.Digest)
		c.mu.Unlock()
		if ctx.Err() != nil || !fault.Is(err, fault.Cancelled) { // which another may have been
			return nil, err
		}
	}
}

func (c *configs) reader(ctx context.Context, d v1.Descriptor, open openBlob) func() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if read, known := c.reads[d.Digest]; known {
		return read
	}
	if c.held += max(d.Size, 0); c.reads == nil || c.held > maxHeld {
		c.reads, c.held = map[digest.Digest]func() ([]byte, error){}, max(d.Size, 0)
	}
	read := sync.OnceValues(func() ([]byte, error) { return content.ReadSmall(ctx, d, open) })
	c.reads[d.Digest] = read
	return read
}
