package transport

import (
	"context"
	"sync"
	"time"
)

const (
	firstLevel = 32 // requests under way at first
	// slower is how many times longer than at best answers may take while more
	// requests are let in; what comes beyond only waits at the registry.
	slower = 4
	// noise is a delay that says nothing.
	noise = 20 * time.Millisecond
	// settling is the time in which a level is lowered once: all that was under
	// way at the time fails for the same reason.
	settling = time.Second
)

// gate bounds the requests under way, at a level that it finds by itself: one
// more with every answer while answers come about as quickly as at best, half
// as many when the registry has too much to do.
type gate struct {
	mu       sync.Mutex
	most     int
	level    int
	under    int
	waiting  []chan struct{} // in the order of arrival; closed to let in
	quickest time.Duration   // the lowest that usual has been
	usual    time.Duration   // moving average of the time to an answer
	lowered  time.Time
}

func newGate(most int) *gate { return &gate{most: most, level: min(firstLevel, most)} }

// enter waits until a request may be under way. The caller calls leave when it
// no longer is; further calls of leave do nothing.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	g.mu.Lock()
	if g.under < g.level && len(g.waiting) == 0 {
		g.under++
		g.mu.Unlock()
		return sync.OnceFunc(g.leave), nil
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return sync.OnceFunc(g.leave), nil
	case <-ctx.Done():
		g.giveUp(turn)
		return nil, ctx.Err()
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.under--
	g.admit()
}

// giveUp takes a turn back, which may just have come.
func (g *gate) giveUp(turn chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == turn {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return
		}
	}
	g.under--
	g.admit()
}

// admit lets in as many as the level allows.
func (g *gate) admit() {
	for g.under < g.level && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.under++
	}
}

// restrict lowers the most that the level may be.
func (g *gate) restrict(most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most, g.level = most, min(g.level, most)
}

// answered notes an answer that came after the given time; 0 where that says
// nothing of the registry, because a body was on its way.
func (g *gate) answered(after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if after > 0 {
		if g.usual == 0 {
			g.usual = after
		}
		g.usual += (after - g.usual) / 8
		if g.quickest == 0 || g.usual < g.quickest {
			g.quickest = g.usual
		}
	}
	if g.level < g.most && g.usual <= slower*g.quickest+noise {
		g.level++
		g.admit()
	}
}

// overloaded notes that the registry had too much to do.
func (g *gate) overloaded(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.lowered) < settling {
		return
	}
	g.lowered = now
	g.level = max(g.level/2, 1)
}
