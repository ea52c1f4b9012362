package front

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// firstByte is how long a connection's first byte takes through f.
func firstByte(t *testing.T, f *Front) time.Duration {
	t.Helper()
	near, end := net.Pipe()
	defer near.Close()
	far := f.far(end)
	defer far.Close()
	began := time.Now()
	go func() { _, _ = near.Write([]byte{1}) }() // the read below notices
	_, err := far.Read(make([]byte, 1))
	require.NoError(t, err)
	return time.Since(began)
}

func TestANewConnectionCostsARoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, roundTrip, firstByte(t, New(http.NotFoundHandler(), Options{RoundTrip: roundTrip})))
	})
}

func TestANewConnectionWithTLSCostsTwoRoundTrips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, 2*roundTrip, firstByte(t, New(http.NotFoundHandler(), Options{RoundTrip: roundTrip, TLS: true})))
	})
}

func TestConnectionsShareTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000)
		require.Zero(t, p.take(500))
		require.Equal(t, 500*time.Millisecond, p.take(1000), "the first bytes take half a second")
		require.Equal(t, 1500*time.Millisecond, p.take(1))
		wait(t.Context(), 10*time.Second)
		require.Zero(t, p.take(1), "time that was not used is lost")
		require.Equal(t, time.Millisecond, p.take(1))
	})
}

func TestALargeWriteLeavesAtTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, end := net.Pipe()
		defer near.Close()
		far := New(http.NotFoundHandler(), Options{Rate: chunk}).far(end)
		received := make(chan int)
		go func() {
			total := 0
			for buffer := make([]byte, chunk); ; {
				n, err := near.Read(buffer)
				total += n
				if err != nil {
					received <- total
					return
				}
			}
		}()
		began := time.Now()
		n, err := far.Write(make([]byte, 4*chunk))
		require.NoError(t, err)
		require.Equal(t, 4*chunk, n)
		require.Equal(t, 3*time.Second, time.Since(began), "the last part is on its way")
		require.NoError(t, far.Close())
		require.Equal(t, 4*chunk, <-received)
	})
}
