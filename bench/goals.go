package main

import (
	"fmt"

	"csync/bench/front"
)

// goal is a figure that csync must not exceed.
type goal struct {
	work, says string
	limit      float64
	// value is what was measured; known is false where something was not.
	value func(results) (value float64, known bool)
}

// results is what was measured, by work and tool.
type results map[string]map[string]measurement

const csyncName = "csync"

func (r results) csync(work string) (measurement, bool) {
	m, found := r[work][csyncName]
	return m, found && m.err == nil
}

// best is the least of something among the peers that did the work.
func (r results) best(work string, of func(measurement) float64) (m measurement, found bool) {
	for name, peer := range r[work] {
		if name == csyncName || peer.err != nil {
			continue
		}
		if !found || of(peer) < of(m) {
			m, found = peer, true
		}
	}
	return m, found
}

func wall(m measurement) float64      { return m.wall.Seconds() }
func processor(m measurement) float64 { return m.cpu.Seconds() }

// ratio compares csync with the best peer.
func (r results) ratio(work string, of func(measurement) float64) (float64, bool) {
	own, done := r.csync(work)
	peer, found := r.best(work, of)
	return of(own) / of(peer), done && found
}

// one is a goal that looks at csync's run of one work.
func one(work, says string, limit float64, value func(measurement) float64) goal {
	return goal{work, says, limit, func(r results) (float64, bool) {
		m, done := r.csync(work)
		return value(m), done
	}}
}

func ofBestPeer(work string, limit float64) goal {
	return goal{work, "time, of the best peer's", limit, func(r results) (float64, bool) { return r.ratio(work, wall) }}
}

// ofBestPeerAndNoise takes as much off as the best peer's runs differ.
func ofBestPeerAndNoise(work string) goal {
	return goal{work, "time, of the best peer's less its noise", 1, func(r results) (float64, bool) {
		value, known := r.ratio(work, wall)
		peer, _ := r.best(work, wall)
		return value - peer.spread, known
	}}
}

func processorOfBestPeer(work string) goal {
	return goal{work, "CPU, of the best peer's less its noise", 1, func(r results) (float64, bool) {
		value, known := r.ratio(work, processor)
		peer, _ := r.best(work, processor)
		return value - peer.cpuSpread, known
	}}
}

func timeOf(work, other string, limit float64) goal {
	return goal{work, "time, of " + other, limit, func(r results) (float64, bool) {
		a, first := r.csync(work)
		b, second := r.csync(other)
		return wall(a) / wall(b), first && second
	}}
}

// side is where requests are counted.
type side struct {
	name   string
	counts func(measurement) front.Counts
}

var (
	source      = side{"source", func(m measurement) front.Counts { return m.source }}
	destination = side{"destination", func(m measurement) front.Counts { return m.destination }}
)

func requests(work string, at side, limit float64) goal {
	return one(work, "requests at the "+at.name, limit, func(m measurement) float64 {
		return float64(at.counts(m).Total())
	})
}

// mostConnections is what a registry on the other end of a busy line may see of
// one client.
const mostConnections = 64

func connections(work string, at side) goal {
	return one(work, "connections to the "+at.name, mostConnections, func(m measurement) float64 {
		return float64(at.counts(m).Connections)
	})
}

func tokens(work string, at side, limit float64) goal {
	return one(work, "tokens of the "+at.name, limit, func(m measurement) float64 {
		return float64(at.counts(m).Requests[front.Token])
	})
}

func manifestGets(work string) goal {
	return one(work, "manifests read", 0, func(m measurement) float64 {
		return float64(m.source.Requests[front.ManifestGet] + m.destination.Requests[front.ManifestGet])
	})
}

// requestsPerTag leaves out what is asked once for a repository, and mounts.
func requestsPerTag(work string, at side, limit float64) goal {
	return one(work, "requests a tag at the "+at.name, limit, func(m measurement) float64 {
		counts := at.counts(m)
		once := counts.Requests[front.TagList] + counts.Requests[front.Ping] + counts.Requests[front.Mount]
		return float64(counts.Total()-once) / float64(m.tags)
	})
}

func blobBytes(work string) goal {
	return one(work, "bytes of blobs", 0, func(m measurement) float64 {
		return float64(m.source.BytesRead + m.source.BytesWritten + m.destination.BytesRead + m.destination.BytesWritten)
	})
}

func ofUniqueBytes(work string, at side, unique int64) goal {
	return one(work, fmt.Sprintf("bytes at the %s, of the unique bytes", at.name), 1.01, func(m measurement) float64 {
		counts := at.counts(m)
		return float64(counts.BytesRead+counts.BytesWritten) / float64(unique)
	})
}

// bytesOf compares what was read and written with another work, whose images
// are the same.
func bytesOf(work, other string, at side) goal {
	return goal{work, fmt.Sprintf("bytes at the %s, of those in %s", at.name, other), 1.01, func(r results) (float64, bool) {
		a, first := r.csync(work)
		b, second := r.csync(other)
		moved := func(m measurement) float64 { return float64(at.counts(m).BytesRead + at.counts(m).BytesWritten) }
		return moved(a) / moved(b), first && second
	}}
}

func unsigned(work string) goal {
	return one(work, "signatures that the destination lacks", 0, func(m measurement) float64 { return float64(m.unsigned) })
}

func peakMemory(work string, megabytes float64) goal {
	return one(work, "peak memory, MB", megabytes, func(m measurement) float64 {
		return float64(m.memory) / 1e6
	})
}

// perTag allows a tenth for what a longer run meets.
func perTag(large, small string) goal {
	return goal{large, "time a tag, of that in " + small, 1.1, func(r results) (float64, bool) {
		a, first := r.csync(large)
		b, second := r.csync(small)
		return (wall(a) / float64(a.tags)) / (wall(b) / float64(b.tags)), first && second
	}}
}

func requestsLinear(large, small string) goal {
	return goal{large, "requests a tag, of those in " + small, 1.01, func(r results) (float64, bool) {
		a, first := r.csync(large)
		b, second := r.csync(small)
		perTag := func(m measurement) float64 {
			return float64(m.source.Total()+m.destination.Total()) / float64(m.tags)
		}
		return perTag(a) / perTag(b), first && second
	}}
}
