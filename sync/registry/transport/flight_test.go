package transport

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlightIsSharedByThoseWhoWait(t *testing.T) {
	t.Parallel()
	var f flight[int]
	started, finish := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		v, err := f.do(t.Context(), func() (int, error) {
			close(started)
			<-finish
			return 1, nil
		})
		if v != 1 || err != nil {
			t.Error(v, err)
		}
	})
	<-started
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.do(impatient, func() (int, error) { return 0, errors.New("runs twice") })
	require.ErrorIs(t, err, context.Canceled)
	close(finish)
	all.Wait()
}

func TestFlightThatWasAbandonedIsFlownByAnother(t *testing.T) {
	t.Parallel()
	var f flight[int]
	first, abandon := context.WithCancel(t.Context())
	started := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := f.do(first, func() (int, error) {
			close(started)
			<-first.Done()
			return 0, first.Err()
		})
		if err == nil {
			t.Error("the first should have failed")
		}
	})
	<-started
	all.Go(func() {
		v, err := f.do(t.Context(), func() (int, error) { return 2, nil })
		if v != 2 || err != nil {
			t.Error(v, err)
		}
	})
	abandon()
	all.Wait()
}
