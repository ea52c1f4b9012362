package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// chance is one command line, perhaps with a source file, and in which ways
// csync means to differ from skopeo about it.
type chance struct {
	global, flags []string
	source        []string // --src and the argument
	destination   string   // docker or dir
	file          string
	twice         bool // run twice, and look at the second

	passedOver bool // holds what skopeo passes over in the log, and csync fails
	missing    bool // asks for what is not there
	pinned     bool // holds tag@digest, which skopeo passes over, and csync does
	collides   bool // has two sources for one destination
	repeats    bool // asks for an image twice, which skopeo does twice
}

func (c chance) String() string {
	return strings.Join(slices.Concat(c.global, []string{"sync"}, c.flags, []string{"--dest", c.destination}, c.source), " ")
}

func (c chance) has(flag string) bool { return slices.Contains(c.flags, flag) }

// expected is what csync has to come to.
type expected struct {
	code  int
	there map[string]string // nil: chance decides that
	words bool              // it has to say why in skopeo's words
}

// expect makes of what skopeo has come to what csync has to.
func (c chance) expect(skopeo, csync end) expected {
	e := expected{skopeo.code, skopeo.there, skopeo.code != 0}
	refused := strings.Contains(skopeo.final(), "Refusing to overwrite")
	switch {
	case c.collides && strings.Contains(csync.errors, "would be written here as well"):
		return expected{code: 1} // where skopeo lets the last one win
	case refused && c.missing, c.pinned && c.has("--scoped"):
		e = expected{code: csync.code} // skopeo meets what a failed copy has left, or passes over what cannot be scoped
	case refused && c.repeats && !c.twice:
		e = expected{code: 0} // where skopeo meets the directory that it has just made
	case strings.Contains(skopeo.final(), "manifest unknown") && !c.has("--keep-going"):
		e.code = exitNotFound // which is newer than this skopeo
	case c.has("--dry-run") && c.missing && skopeo.code == 0:
		e.code = csync.code // skopeo does not look
	}
	if c.passedOver && e.code == 0 {
		e.code = 1 // what is asked for and not done is a failure
	}
	switch {
	case c.has("--dry-run"):
		e.there = map[string]string{} // where skopeo makes directories
	case c.pinned || skopeo.code != 0 && (!c.has("--keep-going") || refused):
		e.there = nil // csync does more, or skopeo stopped, and its order is random
	}
	return e
}

// cases is how many there are; ten take some two seconds.
const cases = 40

// chances makes the cases, and those that are worth keeping. The same seed always makes the same.
func chances(s *stage) []chance {
	d := &dice{rand.New(rand.NewPCG(7, 60)), s}
	all := d.once()
	for range cases {
		all = append(all, d.chance())
	}
	return all
}

// once are cases about which csync once differed and did not mean to.
func (d *dice) once() []chance {
	index := "'" + d.digests["lib/index:1"].String() + "'"
	all := []chance{
		{destination: "docker", source: []string{"--src", "docker", d.name("lib/nginx:1")}},
		{destination: "dir", source: []string{"--src", "docker", d.name("lib/index@" + d.digests["lib/index:1"].String())}},
	}
	for _, file := range []string{
		"SRC: {images: {lib/index: [" + index + ", 1]}}",
		"SRC: {images: {lib/redis: [7.2]}}\n---\nSRC: {images: {lib/redis: [7.4]}}",
		"SRC: {images: {lib/redis: [7.2]}}\n---\nSRC: {",
		"---\n---\nSRC: {images: {lib/redis: [7.2]}}",
		"SRC: {images: {lib/redis: [7.2], lib/nginx:1: 1}}",
		"SRC: {images: {lib/redis: [7.2], lib/nginx:1: [{a: b}]}}",
	} {
		all = append(all, chance{
			destination: "dir", source: []string{"--src", "yaml", "images.yaml"}, file: strings.ReplaceAll(file, "SRC", d.source.Host()) + "\n",
		})
	}
	return all
}

type dice struct {
	*rand.Rand
	*stage
}

// oneIn is true once in n times.
func (d *dice) oneIn(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *dice, from ...T) T { return from[d.IntN(len(from))] }

func (d *dice) chance() chance {
	c := chance{destination: pick(d, "docker", "docker", "dir"), twice: d.oneIn(4)}
	switch d.IntN(8) {
	case 0:
		d.ofDirectory(&c)
	case 1, 2:
		d.ofReference(&c)
	default:
		d.ofFile(&c)
	}
	for _, flag := range []string{"--all", "--keep-going", "--keep-going", "--scoped", "--preserve-digests", "--dry-run"} {
		if d.oneIn(4) && !c.has(flag) {
			c.flags = append(c.flags, flag)
		}
	}
	switch d.IntN(12) {
	case 0:
		c.flags, c.destination = append(c.flags, "--format", pick(d, "oci", "v2s2", "tar")), "docker"
	case 1:
		c.global, c.missing = []string{"--override-os", "linux", "--override-arch", "arm64"}, true
	case 2:
		c.source = pick(d, c.source[2:], []string{"--src", "oci", c.source[2]})
	}
	// A second run would meet what only one of both programs has made.
	c.twice = c.twice && !c.pinned && !c.has("--dry-run")
	return c
}

func (d *dice) ofDirectory(c *chance) {
	c.source = []string{"--src", "dir", pick(d, d.directory, d.directory, d.directory+"/redis:7.2", d.directory+"/none")}
}

func (d *dice) ofReference(c *chance) {
	c.missing = true
	c.source = []string{"--src", "docker", pick(d, d.name("lib/redis"), d.name("lib/redis:7.2"), d.name("lib/nginx:1.28.0"), d.name("lib/nginx:none"),
		d.name("lib/index:1"), d.name("lib/none"), d.name("lib/none:1"), d.name("lib/UPPER"), d.name("lib/index@"+d.digests["lib/index:1"].String()),
		d.name("lib/redis@"+d.digests["lib/redis:7.4"].String()))}
}

func (d *dice) name(path string) string { return d.source.Host() + "/" + path }

// ofFile makes a source file of a few lines, some of them wrong. What skopeos
// differ about is not among them: the null tag and the key that is there twice,
// which depend on their YAML library, and images-by-semver, which is newer.
func (d *dice) ofFile(c *chance) {
	c.source = []string{"--src", "yaml", pick(d, "images.yaml", "images.yaml", "images.yaml", "images.yaml", "images.yaml", "images.yaml", "images.yaml", "none.yaml")}
	images, patterns := map[string]string{}, map[string]string{}
	for range 1 + d.IntN(3) {
		d.images(c, images)
	}
	if d.oneIn(3) {
		d.pattern(c, patterns)
	}
	c.collides = collide(images, patterns)
	lines := []string{d.source.Host() + ":"}
	lines = append(lines, section("images", images)...)
	lines = append(lines, section("images-by-tag-regex", patterns)...)
	if d.oneIn(6) {
		lines = append(lines, pick(d, "  image: {a: b}", "  tls-verify: false", "  tls-verify: 'not a valid bool'", "  cert-dir: [a]",
			"quay.io:", "---\nlib/redis: [", "---", "# the end"))
	}
	if d.oneIn(15) {
		lines = pick(d, nil, []string{"# nothing"}, []string{"null"}, []string{"- a"}, []string{d.source.Host() + ": text"})
		c.passedOver, c.pinned, c.collides, c.repeats = false, false, false, false
	}
	c.file = strings.Join(lines, "\n") + "\n"
}

func section(name string, entries map[string]string) []string {
	if len(entries) == 0 {
		return nil
	}
	lines := []string{"  " + name + ":"}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		lines = append(lines, fmt.Sprintf("    %s: %s", key, entries[key]))
	}
	return lines
}

// images adds an entry of images.
func (d *dice) images(c *chance, entries map[string]string) {
	repository := pick(d, "lib/redis", "lib/redis", "lib/nginx", "lib/index", "other/redis")
	if _, taken := entries[repository]; taken {
		return
	}
	first := map[string]string{"lib/redis": "7.2", "lib/nginx": "1", "lib/index": "1", "other/redis": "other"}[repository]
	sum := d.digests[repository+":"+first].String()
	switch d.IntN(14) {
	case 0, 1:
		entries[repository] = pick(d, "[]", "")
	case 2, 3, 4, 5:
		entries[repository] = "[" + first + "]"
	case 6:
		entries[repository], c.repeats = "["+first+", "+first+"]", true
	case 7:
		entries[repository], c.missing = "['"+sum+"']", true // an index without --all
	case 8:
		entries[repository], c.missing = "["+first+", none]", true
	case 9:
		entries[repository], c.passedOver = "["+first+", 'a b']", true
	case 10:
		entries[repository], c.pinned = "["+first+"@"+sum+"]", true
	case 11:
		entries[repository+":1"], c.passedOver = pick(d, "[]", "[1]"), true
	case 12:
		entries[pick(d, repository, repository+":1")] = pick(d, "7.2", "{a: b}", "[[a]]")
	case 13:
		entries["lib/none"], c.passedOver = "[]", true
	}
}

// pattern adds an entry of images-by-tag-regex. A bad one stands alone, because
// skopeo drops the others with it.
func (d *dice) pattern(c *chance, entries map[string]string) {
	switch d.IntN(4) {
	case 0:
		entries["lib/redis"], c.passedOver = "'('", true
	default:
		entries[pick(d, "lib/redis", "other/redis")] = pick(d, `^7\.`, "'1'", "rc|other")
		c.repeats = true // what images names as well
	}
}

// collide reports whether both repositories that have one name may be asked for.
func collide(sections ...map[string]string) bool {
	var lib, other bool
	for _, entries := range sections {
		_, has := entries["lib/redis"]
		lib = lib || has
		_, has = entries["other/redis"]
		other = other || has
	}
	return lib && other
}
