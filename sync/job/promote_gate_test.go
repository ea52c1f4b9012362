package job_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"csync/sync/fault"
)

func TestAnInterruptedGateHasNotRefused(t *testing.T) {
	t.Parallel()
	r := newRelease(t, 1, "base").build()
	asked := filepath.Join(t.TempDir(), "asked")
	r.more = "gate: [/bin/sh, -c, 'touch " + asked + "; exec sleep 60', \"{reference}\"]\n"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(asked); err == nil {
				cancel()
			}
			<-time.After(time.Millisecond)
		}
	}()
	o, p := r.options, r.promotion
	o.SourceFile, p.Journal = r.file(), r.journal

	done, err := p.Run(ctx, o)

	require.NoError(t, err)
	require.True(t, done.Failed())
	for _, result := range done.Results {
		if result.Error != nil {
			require.Equal(t, fault.Cancelled, result.Error.Kind, result.Error.Message)
		}
	}
}
