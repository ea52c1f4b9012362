package front

import (
	"maps"
	"sync"
)

// Counts is what a front saw since it was started or reset.
type Counts struct {
	Requests    map[Kind]int `json:"requests"`
	Connections int          `json:"connections"`
	InFlight    int          `json:"in_flight"` // the most requests at the same time
	BytesRead   int64        `json:"bytes_read"`
	// BytesWritten, as BytesRead, is of blobs only, without headers.
	BytesWritten int64 `json:"bytes_written"`
}

// Total is the number of requests of all kinds.
func (c Counts) Total() int {
	total := 0
	for _, n := range c.Requests {
		total += n
	}
	return total
}

// Plus adds what another front saw; of requests in flight, the larger number.
func (c Counts) Plus(other Counts) Counts {
	sum := Counts{
		Requests:     map[Kind]int{},
		Connections:  c.Connections + other.Connections,
		InFlight:     max(c.InFlight, other.InFlight),
		BytesRead:    c.BytesRead + other.BytesRead,
		BytesWritten: c.BytesWritten + other.BytesWritten,
	}
	for _, requests := range []map[Kind]int{c.Requests, other.Requests} {
		for kind, n := range requests {
			sum.Requests[kind] += n
		}
	}
	return sum
}

type counter struct {
	mu       sync.Mutex
	counts   Counts
	inFlight int
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = Counts{Requests: map[Kind]int{}}
}

func (c *counter) snapshot() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	counts.Requests = maps.Clone(counts.Requests)
	return counts
}

func (c *counter) connected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Connections++
}

func (c *counter) began() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight++
	c.counts.InFlight = max(c.counts.InFlight, c.inFlight)
}

func (c *counter) ended(kind Kind, read, written int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	c.counts.Requests[kind]++
	c.counts.BytesRead += read
	c.counts.BytesWritten += written
}
