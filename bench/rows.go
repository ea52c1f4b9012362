package main

import (
	"fmt"
	"time"
)

// rows is the table, in its order. Its figures are what csync has to reach.
func rows(t tools, roundTrip time.Duration) []row {
	return []row{
		t.rowA(roundTrip), t.rowB(roundTrip), t.rowC(roundTrip), t.rowsDE(roundTrip)[0], t.rowsDE(roundTrip)[1],
		t.rowF(), t.rowG(roundTrip), t.rowH(roundTrip), t.rowI(roundTrip), t.rowJ(roundTrip), t.rowK(roundTrip),
		t.rowL(), t.rowM(), t.rowP(),
	}
}

// release is 20 repositories of 10 tags with 5 layers, of which 2 are shared.
func release() []repository {
	return repositories(20, 10, []int64{4 * kilobyte, 4 * kilobyte}, []int64{kilobyte, 2 * kilobyte, 4 * kilobyte})
}

// based is 30 repositories on one base image.
func based() []repository {
	return repositories(30, 1, []int64{8 * megabyte, 8 * megabyte, 8 * megabyte, 8 * megabyte}, []int64{megabyte})
}

// near is the round trip of the works that csync is compared with itself at.
const near = 20 * time.Millisecond

func (t tools) rowA(roundTrip time.Duration) row {
	return row{name: "A", works: []work{
		{
			id: "A", says: "20 repositories x 10 tags, 5 small layers (2 shared by all), empty destination",
			network: far(roundTrip), repositories: release(),
			tools: []tool{t.csync(), t.regsync(), t.crane(4), t.crane(1)},
		},
		{
			id: "A server", says: "the same with servers, 20 ms away",
			network: network{roundTrip: near, server: true}, repositories: release(),
			tools: []tool{t.csync(), t.regsync(), t.crane(4)},
		},
	}, goals: []goal{
		ofBestPeer("A", 0.5),
		ofBestPeer("A server", 0.75),
		requests("A", source, 1250),
		requests("A", destination, 2450),
		connections("A", source),
		connections("A", destination),
	}}
}

func (t tools) rowB(roundTrip time.Duration) row {
	return row{name: "B", works: []work{{
		id: "B", says: "A again, nothing to do",
		network: far(roundTrip), repositories: release(), filled: true,
		tools: []tool{t.csync(), t.regsync(), t.crane(4), t.crane(1)},
	}}, goals: []goal{
		ofBestPeer("B", 0.5),
		requests("B", source, 220),
		requests("B", destination, 200),
		manifestGets("B"),
	}}
}

func (t tools) rowC(roundTrip time.Duration) row {
	unique := uniqueBytes(based())
	all := []tool{t.csync(), t.regsync(), t.crane(4)}
	return row{name: "C", works: []work{
		{
			id: "C", says: "30 repositories sharing 4 layers of 8 MB, own layer 1 MB, from a source at 50 MB/s, with servers",
			network: network{roundTrip: roundTrip, server: true, rate: sourceRate}, repositories: based(), tools: all,
		},
		{
			id: "C gigabit", says: "the same from a source at 1 Gbit/s",
			network: network{roundTrip: roundTrip, server: true, rate: 125_000_000}, repositories: based(), tools: all,
		},
		{
			id: "C loopback", says: "the same as fast as this machine is",
			network: network{roundTrip: roundTrip, server: true}, repositories: based(), tools: all,
		},
	}, goals: []goal{
		ofBestPeer("C", 0.1),
		ofUniqueBytes("C", source, unique),
		ofUniqueBytes("C", destination, unique),
	}}
}

// sourceRate is what the source of C and G sends in a second, in bytes.
const sourceRate = 50_000_000

func (t tools) rowsDE(roundTrip time.Duration) [2]row {
	d := work{
		id: "D", says: "1 repository x 1,000 tags, 2 tiny layers, empty destination",
		network: far(roundTrip), repositories: repositories(1, 1000, nil, []int64{kilobyte, kilobyte}),
		tools: []tool{t.csync(), t.regsync(), t.crane(1)},
	}
	e := d
	e.id, e.says, e.filled = "E", "D again, nothing to do", true
	bulk := e
	bulk.id, bulk.says, bulk.network.bulk = "E bulk", "the same at registries that list digests with tags", true
	bulk.tools = []tool{t.csync(), t.crane(1)}
	return [2]row{
		{name: "D", works: []work{d}, goals: []goal{ofBestPeer("D", 0.5)}},
		{name: "E", works: []work{e, bulk}, goals: []goal{ofBestPeer("E", 0.6), ofBestPeer("E bulk", 0.1)}},
	}
}

func (t tools) rowF() row {
	const large = 300 * megabyte
	return row{name: "F", works: []work{{
		id: "F", says: "1 image, 3 layers of 300 MB, no added round trip, with servers",
		network: network{server: true}, repositories: repositories(1, 1, nil, []int64{large, large, large}),
		tools: []tool{t.csync(), t.regsync(), t.crane(1), t.skopeo(1)},
	}}, goals: []goal{
		ofBestPeerAndNoise("F"),
		processorOfBestPeer("F"),
		peakMemory("F", 60),
	}}
}

func (t tools) rowG(roundTrip time.Duration) row {
	n := network{roundTrip: roundTrip, rate: sourceRate, server: true}
	unique := uniqueBytes(based())
	return row{name: "G", works: []work{
		{
			id: "G 1", says: "C once more, to one destination",
			network: n, repositories: based(), tools: []tool{t.csync()},
		},
		{
			id: "G 3", says: "the same to three destinations at once",
			network: n, repositories: based(), destinations: 3, tools: []tool{t.csync()},
		},
	}, goals: []goal{
		ofUniqueBytes("G 3", source, unique),
		timeOf("G 3", "G 1", 1.4),
	}}
}

func (t tools) rowH(roundTrip time.Duration) row {
	images := repositories(1, 100, []int64{4 * kilobyte, 4 * kilobyte}, []int64{kilobyte, kilobyte})
	all := []tool{t.csync(), t.regsync(), t.crane(1)}
	retag := []tool{t.csync(), t.regsync(), t.crane(4)}
	return row{name: "H", works: []work{
		{
			id: "H promotion", says: "100 images from one repository to another one of the same registry",
			network: far(roundTrip), repositories: images, promotion: true, tools: all,
		},
		{
			id: "H retag", says: "another tag for 100 images",
			network: far(roundTrip), repositories: images, promotion: true, retag: true, tools: retag,
		},
	}, goals: []goal{
		blobBytes("H promotion"),
		blobBytes("H retag"),
		requestsPerTag("H promotion", source, 2),
		requestsPerTag("H retag", source, 2),
	}}
}

func (t tools) rowI(roundTrip time.Duration) row {
	n := network{roundTrip: roundTrip, secure: true}
	all := []tool{t.csync(), t.regsync(), t.crane(4)}
	return row{name: "I", works: []work{
		{id: "I A", says: "A over TLS with bearer tokens", network: n, repositories: release(), tools: all},
		{id: "I B", says: "B over TLS with bearer tokens", network: n, repositories: release(), filled: true, tools: all},
	}, goals: []goal{
		ofBestPeer("I A", 0.5),
		ofBestPeer("I B", 0.5),
		tokens("I A", source, 20),
		tokens("I A", destination, 40), // pull, and pull with push
		tokens("I B", source, 20),
		tokens("I B", destination, 20),
	}}
}

// tagCounts is the works of row J, and what its plot shows.
var tagCounts = []int{100, 1_000, 10_000, 100_000}

func (t tools) rowJ(roundTrip time.Duration) row {
	r := row{name: "J", goals: []goal{
		perTag("J 100000", "J 10000"),
		requestsLinear("J 100000", "J 1000"),
		peakMemory("J 10000", 100),
		peakMemory("J 100000", 400),
	}}
	for _, tags := range tagCounts {
		w := work{
			id: fmt.Sprintf("J %d", tags), says: fmt.Sprintf("B with %d tags", tags),
			network: far(roundTrip), repositories: manyTags(tags), filled: true,
			tools: []tool{t.csync(), t.regsync(), t.crane(4)},
		}
		if tags >= 10_000 {
			w.runs = 1
		}
		if tags > 10_000 {
			w.tools = w.tools[:1]
		}
		r.works = append(r.works, w)
	}
	return r
}

func (t tools) rowK(roundTrip time.Duration) row {
	images := indexes(20, []string{
		"linux/386", "linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/loong64",
		"linux/mips64le", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64", "windows/arm64",
		"freebsd/amd64", "freebsd/arm64", "openbsd/amd64",
	})
	return row{name: "K", works: []work{
		{
			id: "K", says: "1 index of 16 platforms x 20 tags, nothing to do",
			network: far(roundTrip), repositories: images, filled: true,
			tools: []tool{t.csync(), t.regsync(), t.crane(1)},
		},
		{
			id: "K filter", says: "the same with a filter of 2 platforms, after a first run",
			network: far(roundTrip), repositories: images, primed: true,
			platforms: []string{"linux/amd64", "linux/arm64"},
			tools:     []tool{t.csync(), t.regsync()},
		},
	}, goals: []goal{
		requestsPerTag("K", source, 1),
		requestsPerTag("K", destination, 1),
		requestsPerTag("K filter", source, 1),
		requestsPerTag("K filter", destination, 1),
	}}
}

func (t tools) rowL() row {
	plain := work{
		id: "A 20 ms", says: "A with registries 20 ms away",
		network: far(near), repositories: release(), tools: []tool{t.csync()},
	}
	signed := plain
	signed.id, signed.says, signed.signed = "L", "the same with a lookaside server, every second image signed, and a policy that wants signatures", true
	signed.tools = []tool{t.csync(), t.skopeo(20)}
	nothing, again := plain, signed
	nothing.id, nothing.says, nothing.primed = "B 20 ms", "A 20 ms again, nothing to do", true
	again.id, again.says, again.primed, again.tools = "L again", "L again, nothing to do", true, []tool{t.csync()}
	return row{name: "L", works: []work{plain, signed, nothing, again}, goals: []goal{
		timeOf("L", plain.id, 1.4),
		bytesOf("L", plain.id, source),
		bytesOf("L", plain.id, destination),
		connections("L", source),
		connections("L", destination),
		unsigned("L"),
		timeOf("L again", nothing.id, 1.3),
		unsigned("L again"),
	}}
}

func (t tools) rowM() row {
	return row{name: "M", works: []work{{
		id: "M", says: "A 20 ms from Docker images, which become OCI images",
		network: far(near), repositories: docker(release()), format: "oci", tools: []tool{t.csync(), t.skopeo(20)},
	}}, goals: []goal{
		timeOf("M", "A 20 ms", 1.5),
	}}
}
