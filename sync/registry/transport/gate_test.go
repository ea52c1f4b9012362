package transport

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAGateOpensWhileAnswersStayQuick(t *testing.T) {
	t.Parallel()
	g := newGate(64)
	for range 100 {
		g.answered(10 * time.Millisecond)
	}
	require.Equal(t, 64, g.level)
}

func TestAGateStopsOpeningWhenAnswersGetSlow(t *testing.T) {
	t.Parallel()
	g := newGate(1000)
	for range 10 {
		g.answered(50 * time.Millisecond)
	}
	for range 500 {
		g.answered(2 * time.Second)
	}
	require.Less(t, g.level, 50)
}

func TestAGateHalvesOnceForAllThatFailAtTheSameTime(t *testing.T) {
	t.Parallel()
	g, now := newGate(64), time.Now()
	for range 48 {
		g.answered(0)
	}
	for range 64 {
		g.overloaded(now)
	}
	require.Equal(t, 32, g.level)
	g.overloaded(now.Add(settling))
	require.Equal(t, 16, g.level)
	for i := range 10 {
		g.overloaded(now.Add(time.Duration(i+2) * settling))
	}
	require.Equal(t, 1, g.level)
}

func TestAGateLetsInInTheOrderOfArrivalAndTakesTurnsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		leave, err := g.enter(t.Context())
		require.NoError(t, err)
		given, giveUp := context.WithCancel(t.Context())
		entered := make(chan string, 2)
		wait := func(ctx context.Context, name string) {
			if leave, err := g.enter(ctx); err == nil {
				entered <- name
				leave()
			}
		}
		go wait(given, "the one who gives up")
		synctest.Wait()
		go wait(t.Context(), "the other")
		synctest.Wait()
		giveUp()
		synctest.Wait()
		leave()
		leave() // does nothing more
		synctest.Wait()
		require.Equal(t, "the other", <-entered)
		require.Empty(t, entered)
		require.Zero(t, g.under)
	})
}

func TestATurnThatComesToOneWhoGivesUpIsPassedOn(t *testing.T) {
	t.Parallel()
	g := newGate(1)
	leave, err := g.enter(t.Context())
	require.NoError(t, err)
	turn, next := make(chan struct{}), make(chan struct{})
	g.waiting = append(g.waiting, turn, next)
	leave() // gives the turn to one who has just been cancelled

	g.giveUp(turn)

	select {
	case <-next:
	default:
		t.Fatal("the turn is lost")
	}
	require.Equal(t, 1, g.under)
}

func TestAGateStaysOpenForLoneRateLimitsAndHalvesForAWave(t *testing.T) {
	t.Parallel()
	traffic, req := newTraffic(64, 0), &http.Request{Method: http.MethodHead}
	answer := func(status int) {
		traffic.observe(req, &http.Response{StatusCode: status}, nil, time.Now())
	}
	for i := range 3000 {
		answer(map[bool]int{true: http.StatusTooManyRequests, false: http.StatusOK}[i%300 == 0])
		require.GreaterOrEqual(t, traffic.all.level, firstLevel)
	}
	require.Equal(t, 64, traffic.all.level)
	for range 3 {
		answer(http.StatusTooManyRequests)
	}
	require.Equal(t, 32, traffic.all.level)
}

func TestARateSpacesRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		traffic := newTraffic(8, 10)
		require.Zero(t, traffic.turn())
		require.Equal(t, 100*time.Millisecond, traffic.turn())
		require.Equal(t, 200*time.Millisecond, traffic.turn())
		traffic.pause(time.Second)
		require.Equal(t, time.Second, traffic.turn())
		require.Equal(t, 1100*time.Millisecond, traffic.turn())
	})
}

func TestAllowanceThatIsSpentHoldsEverythingBackUntilItIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		traffic := newTraffic(8, 0)
		for _, header := range []http.Header{
			{"Ratelimit-Remaining": {"7;w=60"}, "Ratelimit-Reset": {"30"}},
			{"Ratelimit-Remaining": {"0;w=21600"}},
			{},
		} {
			traffic.spend(header, time.Now())
			require.Zero(t, traffic.turn())
		}
		traffic.spend(http.Header{"Ratelimit-Remaining": {"0;w=60"}, "Ratelimit-Reset": {"30"}}, time.Now())
		require.Equal(t, 30*time.Second, traffic.turn())
	})
}
