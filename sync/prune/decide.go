package prune

import (
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
)

// Contents is what a repository has.
type Contents struct {
	Tags map[string]digest.Digest
	// Manifests are those that tags name, and all below and about them.
	Manifests map[digest.Digest]Manifest
}

// Manifest is what one needs, and what it is about.
type Manifest struct {
	Lists   []digest.Digest // the instances of an index
	Subject digest.Digest   // of a referrer; ""
}

// Verdict is what is said of a tag.
type Verdict int

// The verdicts. A tag under which a signature is kept goes with what it signs,
// unless it is to be kept itself.
const (
	Leave  Verdict = iota // nothing is said of it
	Keep                  // it is wanted
	Drop                  // it is wanted no more
	Remove                // it is to go, also if it keeps a signature of what stays
)

// Choice says what is to become of what a repository has.
type Choice struct {
	Verdict func(tag string) Verdict
	// Keep are digests that are wanted without a tag, Remove those to go.
	Keep, Remove []digest.Digest
	// RemoveLast deletes also the last tag of what something else needs. The
	// manifest stays.
	RemoveLast bool
	// Release is what tags belong together by: one release goes as a whole, and
	// stays as long as a tag of none names anything of it. nil: all are of none.
	Release func(tag string) string
}

// Decision is what is deleted.
type Decision struct {
	Tags []string // sorted
	// Manifests are those to which nothing leads that stays, in waves: what lists
	// others, or is what they are about, is in an earlier one.
	Manifests [][]digest.Digest
	// Lost are those of the manifests that a deleted tag named, or that were named
	// themselves; sorted.
	Lost []digest.Digest
	// Spared is what was to go and stays.
	Spared []Spared
}

// Spared is a tag, or a digest, that stays because something needs it.
type Spared struct {
	Tag    string // "": it was named by its digest
	Digest digest.Digest
	Why    string
}

// Decide applies the choice.
func Decide(c Contents, choice Choice) Decision {
	d := &decision{
		Contents: c, Choice: choice, tags: slices.Sorted(maps.Keys(c.Tags)),
		going: map[string]bool{}, subjects: c.subjects(),
	}
	d.mark()
	d.spareReleases()
	d.spareLast()
	d.spareNamed()
	for d.spread() {
	}
	return d.result()
}

// decision is one on its way.
type decision struct {
	Contents
	Choice
	tags     []string
	going    map[string]bool
	removed  []digest.Digest // those of Remove that go
	subjects map[string]digest.Digest
	spared   []Spared
}

// mark notes which tags are to go. Those that keep signatures wait for what
// becomes of what they sign.
func (d *decision) mark() {
	for _, tag := range d.tags {
		switch d.Verdict(tag) {
		case Remove:
			d.going[tag] = true
		case Drop:
			d.going[tag] = d.subjectOf(tag) == ""
		}
	}
}

// spareReleases keeps the releases that a label names, which is a tag of no release
// that stays.
func (d *decision) spareReleases() {
	if d.RemoveLast || d.Release == nil {
		return
	}
	labels, held := map[digest.Digest]string{}, map[string]string{}
	for _, tag := range d.tags {
		if !d.going[tag] && d.Release(tag) == "" && !attachedForm.MatchString(tag) {
			labels[d.Tags[tag]] = tag
		}
	}
	for _, tag := range d.tags {
		if label := labels[d.Tags[tag]]; label != "" && d.Release(tag) != "" {
			held[d.Release(tag)] = label
		}
	}
	for _, tag := range d.tags {
		if label := held[d.Release(tag)]; label != "" && d.going[tag] {
			delete(d.going, tag)
			d.spared = append(d.spared, Spared{tag, d.Tags[tag], label + " names its release"})
		}
	}
}

// spareLast keeps a tag of every digest that loses all of them though something
// that stays needs it.
func (d *decision) spareLast() {
	if d.RemoveLast {
		return
	}
	needed := d.needed()
	named := map[digest.Digest]bool{}
	for _, tag := range d.tags {
		if !d.going[tag] {
			named[d.Tags[tag]] = true
		}
	}
	for _, tag := range d.tags {
		sum := d.Tags[tag]
		by, isNeeded := needed[sum]
		if !d.going[tag] || !isNeeded || named[sum] {
			continue
		}
		named[sum] = true
		delete(d.going, tag)
		d.spared = append(d.spared, Spared{tag, sum, fmt.Sprintf("the last tag of %s, which %s needs", sum, by)})
	}
}

// spareNamed keeps the digests that tags lead to.
func (d *decision) spareNamed() {
	needed := d.needed()
	for _, sum := range d.Remove {
		if by, isNeeded := needed[sum]; isNeeded {
			d.spared = append(d.spared, Spared{"", sum, by + " needs it"})
			continue
		}
		d.removed = append(d.removed, sum)
	}
}

// needed are the manifests that are needed by what stays, whatever becomes of
// signatures, and by what.
func (d *decision) needed() map[digest.Digest]string {
	found := map[digest.Digest]string{}
	for _, sum := range d.Keep {
		d.reach(found, sum, sum.String(), true)
	}
	for _, tag := range d.tags {
		if !d.going[tag] && d.subjectOf(tag) == "" {
			d.reach(found, d.Tags[tag], tag, true)
		}
	}
	return found
}

// reach adds to found what a manifest consists of and, with about, what a
// referrer is about.
func (d *decision) reach(found map[digest.Digest]string, from digest.Digest, by string, about bool) {
	if _, known := found[from]; known || from == "" {
		return
	}
	found[from] = by
	m := d.Manifests[from]
	for _, listed := range m.Lists {
		d.reach(found, listed, by, about)
	}
	if about {
		d.reach(found, m.Subject, by, about)
	}
}

// spread lets signatures go with what they sign, and reports whether there were
// any: they may be signed in turn.
func (d *decision) spread() bool {
	lost := d.lost()
	more := false
	for _, tag := range d.tags {
		if !d.going[tag] && d.Verdict(tag) != Keep && lost[d.subjectOf(tag)] {
			d.going[tag], more = true, true
		}
	}
	return more
}

// lost are the manifests to which nothing leads any more that stays.
func (d *decision) lost() map[digest.Digest]bool {
	stays := d.needed()
	for _, tag := range d.tags {
		if !d.going[tag] { // signatures too
			d.reach(stays, d.Tags[tag], tag, false)
		}
	}
	lost := map[digest.Digest]bool{}
	about := d.about()
	var lose func(digest.Digest)
	lose = func(sum digest.Digest) {
		if _, kept := stays[sum]; kept || lost[sum] {
			return
		}
		lost[sum] = true
		for _, listed := range d.Manifests[sum].Lists {
			lose(listed)
		}
		for _, referrer := range about[sum] {
			lose(referrer)
		}
	}
	for _, sum := range d.removed {
		lose(sum)
	}
	for tag := range d.going {
		if d.going[tag] {
			lose(d.Tags[tag])
		}
	}
	return lost
}

func (d *decision) result() Decision {
	lost := d.lost()
	r := Decision{Spared: d.spared, Manifests: d.waves(lost)}
	named := map[digest.Digest]bool{}
	for _, sum := range d.removed {
		named[sum] = lost[sum]
	}
	for _, tag := range d.tags {
		if d.going[tag] {
			r.Tags = append(r.Tags, tag)
			named[d.Tags[tag]] = lost[d.Tags[tag]]
		}
	}
	maps.DeleteFunc(named, func(_ digest.Digest, lost bool) bool { return !lost })
	r.Lost = slices.Sorted(maps.Keys(named))
	return r
}

// waves puts manifests behind those that list them or that they are about.
func (d *decision) waves(lost map[digest.Digest]bool) [][]digest.Digest {
	followers := d.followers()
	wave := map[digest.Digest]int{}
	sums := slices.Sorted(maps.Keys(lost))
	for range sums { // more rounds would be needed by what goes in circles only
		again := false
		for _, sum := range sums {
			for _, later := range followers[sum] {
				if lost[later] && wave[later] <= wave[sum] {
					wave[later], again = wave[sum]+1, true
				}
			}
		}
		if !again {
			break
		}
	}
	byWave := map[int][]digest.Digest{}
	for _, sum := range sums {
		byWave[wave[sum]] = append(byWave[wave[sum]], sum)
	}
	var waves [][]digest.Digest
	for _, number := range slices.Sorted(maps.Keys(byWave)) {
		waves = append(waves, byWave[number])
	}
	return waves
}
