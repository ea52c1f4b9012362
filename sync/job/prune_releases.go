package job

import (
	"context"

	"csync/sync/prune"
)

// Releases are those of a promotion that are to be deleted.
type Releases struct {
	Hashes []string
}

func (k *pruning) releases(ctx context.Context) ([]prune.Cut, error) { return nil, nil }
