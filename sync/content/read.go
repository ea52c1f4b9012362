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

// readSmall reads a config whole, and checks it.
func readSmall(ctx context.Context, source Source, blob v1.Descriptor) ([]byte, error) {
	if blob.Size > maxConfig {
		return nil, fault.New(fault.Unsupported, fmt.Errorf("config %s has %d bytes; at most %d are read", blob.Digest, blob.Size, maxConfig))
	}
	body, err := source.Blob(ctx, blob)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(registry.Verify(body, blob), maxConfig+1))
}
