package main

import (
	"fmt"
	"time"
)

// work is one job that tools are compared at.
type work struct {
	id, says     string
	network      network
	repositories []repository
	destinations int // 0 is one

	filled    bool     // the destination has everything already
	promotion bool     // source and destination are one registry
	retag     bool     // further tags in the same repositories
	platforms []string // what is wanted of each index; all without
	signed    bool     // every second image has a signature, which a policy wants
	format    string   // of manifests at the destination; as they are without
	primed    bool     // each tool may do the work once before it is measured

	tools []tool
	runs  int // 0 is what the command line says
}

// row is the works of one row of the table, and what csync must reach in them.
type row struct {
	name  string
	works []work
	goals []goal
}

const (
	kilobyte = 1 << 10
	megabyte = 1 << 20
)

// repositories makes images with layers of their own of the given sizes, below
// the shared ones.
func repositories(count, tags int, shared, own []int64) []repository {
	var all []repository
	seed := uint64(len(shared))
	for r := range count {
		repo := repository{name: fmt.Sprintf("team/app-%02d", r+1)}
		for t := range tags {
			i := image{tag: fmt.Sprintf("1.%d", t)}
			for n, size := range shared {
				i.layers = append(i.layers, layer{uint64(n), size})
			}
			for _, size := range own {
				i.layers = append(i.layers, layer{seed, size})
				seed++
			}
			repo.images = append(repo.images, i)
		}
		all = append(all, repo)
	}
	return all
}

// manyTags makes images that differ in their manifests only, for works that
// compare and do not copy: in 20 repositories, or more for olareg, whose answers
// take the longer the more tags a repository has.
func manyTags(tags int) []repository {
	count := max(20, tags/500)
	all := repositories(count, tags/count, []int64{kilobyte}, nil)
	for r := range all {
		for i := range all[r].images {
			all[r].images[i].note = all[r].name + ":" + all[r].images[i].tag
		}
	}
	return all
}

// indexes makes one repository of images for several platforms.
func indexes(tags int, platforms []string) []repository {
	r := repository{name: "team/app"}
	for t := range tags {
		r.images = append(r.images, image{
			tag:       fmt.Sprintf("1.%d", t),
			layers:    []layer{{uint64(t * len(platforms)), kilobyte}},
			platforms: platforms,
		})
	}
	return []repository{r}
}

// docker gives images the media types of Docker's schema 2.
func docker(repositories []repository) []repository {
	for _, r := range repositories {
		for i := range r.images {
			r.images[i].docker = true
		}
	}
	return repositories
}

// uniqueBytes is the size of all layers, each once.
func uniqueBytes(repositories []repository) int64 {
	seen := map[layer]bool{}
	var total int64
	for _, r := range repositories {
		for _, i := range r.images {
			for _, l := range i.layers {
				if !seen[l] {
					seen[l] = true
					total += l.size
				}
			}
		}
	}
	return total
}

// task is the work as a tool is given it.
func (w work) task(s *site, directory string) task {
	k := task{work: w, source: s.source.Far, directory: directory, signatures: s.signatures}
	for _, d := range s.destinations {
		k.destinations = append(k.destinations, d.Far)
	}
	return k
}

func far(roundTrip time.Duration) network { return network{roundTrip: roundTrip} }
