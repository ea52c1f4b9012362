package content

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"csync/sync/fault"
	"csync/sync/registry"
)

// maxConfig bounds a config that is read into memory, as containers/image does
// (its iolimits.MaxConfigBodySize).
const maxConfig = 4 << 20

// ReadSmall reads a config whole, and checks it.
func ReadSmall(ctx context.Context, blob v1.Descriptor, open func(context.Context, v1.Descriptor) (io.ReadCloser, error)) ([]byte, error) {
	if blob.Size > maxConfig {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("config %s has %d bytes; at most %d are read", blob.Digest, blob.Size, maxConfig))
	}
	body, err := open(ctx, blob)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(registry.Verify(body, blob), maxConfig+1))
}
