package promote

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLabelsTakeTheTimeTheyNeedUnlessTheRunIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		under, done := uninterrupted(ctx)
		defer done()

		time.Sleep(10 * moving)
		require.NoError(t, under.Err(), "hundreds of labels, at few requests a second")
		interrupt()
		time.Sleep(moving - time.Second)
		require.NoError(t, under.Err())
		time.Sleep(2 * time.Second)
		require.Error(t, under.Err())
	})
}
