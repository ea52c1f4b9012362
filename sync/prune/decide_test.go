package prune

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// of is the digest of what a test calls by a letter.
func of(name string) digest.Digest { return digest.FromString(name) }

// named is a digest by that letter again.
func named(d digest.Digest) string {
	for letter := 'A'; letter <= 'Z'; letter++ {
		if of(string(letter)) == d {
			return string(letter)
		}
	}
	return d.String()
}

// contents reads "1.0=A 1.1=B A>C,D E?A": tags and what they name, indexes and what
// they list, referrers and what they are about. A tag of "~A.sig" is one of
// cosign's about A.
func contents(text string) Contents {
	c := Contents{Tags: map[string]digest.Digest{}, Manifests: map[digest.Digest]Manifest{}}
	has := func(name string) digest.Digest {
		if _, known := c.Manifests[of(name)]; !known {
			c.Manifests[of(name)] = Manifest{}
		}
		return of(name)
	}
	for _, word := range strings.Fields(text) {
		if index, listed, ok := strings.Cut(word, ">"); ok {
			m := c.Manifests[has(index)]
			for child := range strings.SplitSeq(listed, ",") {
				m.Lists = append(m.Lists, has(child))
			}
			c.Manifests[of(index)] = m
		} else if referrer, subject, ok := strings.Cut(word, "?"); ok {
			m := c.Manifests[has(referrer)]
			m.Subject = of(subject)
			c.Manifests[of(referrer)] = m
		} else if tag, name, ok := strings.Cut(word, "="); ok {
			c.Tags[real(tag)] = has(name)
		}
	}
	return c
}

// real is a tag that contents writes with a ~.
func real(tag string) string {
	if rest, ok := strings.CutPrefix(tag, "~"); ok {
		return attachedName(of(rest[:1])) + rest[1:]
	}
	return tag
}

func shown(tag string) string {
	for letter := 'A'; letter <= 'Z'; letter++ {
		if rest, ok := strings.CutPrefix(tag, attachedName(of(string(letter)))); ok {
			return "~" + string(letter) + rest
		}
	}
	return tag
}

// choice reads "1.0 +1.1 !~A.sig @A keep@B last": what is dropped, kept, removed,
// removed and kept by digest, and whether last tags go.
func choice(text string) Choice {
	verdicts := map[string]Verdict{}
	rest := Leave
	c := Choice{Verdict: func(tag string) Verdict {
		if v, said := verdicts[tag]; said {
			return v
		}
		return rest
	}}
	for _, word := range strings.Fields(text) {
		switch {
		case word == "last":
			c.RemoveLast = true
		case word == "*":
			rest = Drop
		case strings.HasPrefix(word, "keep@"):
			c.Keep = append(c.Keep, of(word[5:]))
		case word[0] == '@':
			c.Remove = append(c.Remove, of(word[1:]))
		case word[0] == '+':
			verdicts[real(word[1:])] = Keep
		case word[0] == '!':
			verdicts[real(word[1:])] = Remove
		default:
			verdicts[real(word)] = Drop
		}
	}
	return c
}

// summary is a decision as the tables have it: tags, manifests by wave, lost, spared.
func summary(d Decision) string {
	var tags, waves, lost, spared []string
	for _, tag := range d.Tags {
		tags = append(tags, shown(tag))
	}
	for _, wave := range d.Manifests {
		var names []string
		for _, sum := range wave {
			names = append(names, named(sum))
		}
		slices.Sort(names)
		waves = append(waves, strings.Join(names, ","))
	}
	for _, sum := range d.Lost {
		lost = append(lost, named(sum))
	}
	for _, s := range d.Spared {
		spared = append(spared, shown(s.Tag)+"@"+named(s.Digest))
	}
	slices.Sort(tags)
	slices.Sort(lost)
	return fmt.Sprintf("%s | %s | %s | %s", strings.Join(tags, " "), strings.Join(waves, " "), strings.Join(lost, " "), strings.Join(spared, " "))
}

func TestWhatIsDeleted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, has, choice, want string }{
		{"nothing is said", "1=A 2=B", "", " |  |  | "},
		{"a tag and its manifest", "1=A 2=B", "1", "1 | A | A | "},
		{"a tag of which there is another", "1=A 2=A", "1", "1 |  |  | "},
		{"all tags of a digest", "1=A 2=A 3=B", "1 2", "1 2 | A | A | "},
		{"everything", "1=A 2=B", "*", "1 2 | A,B | A B | "},
		{"what is kept", "1=A 2=B", "* +2", "1 | A | A | "},

		{"an index goes before its instances", "1=A A>B,C", "1", "1 | A B,C | A | "},
		{"an index in an index", "1=A A>B B>C", "1", "1 | A B C | A | "},
		{"an instance that another index lists", "1=A 2=D A>B,C D>C", "1", "1 | A B | A | "},
		{"an instance that has a tag", "1=A x=B A>B,C", "1", "1 | A C | A | "},
		{"an index and its instance", "1=A x=B A>B,C", "1 x", "1 x | A B,C | A B | "},

		{"the last tag of what an index lists stays", "1=A x=B A>B", "x", " |  |  | x@B"},
		{"one tag of what an index lists stays", "1=A x=B y=B A>B", "x y", "y |  |  | x@B"},
		{"a tag of what an index lists goes where another stays", "1=A x=B y=B A>B", "x", "x |  |  | "},
		{"the last tag of what an index of an index lists stays", "1=A x=C A>B B>C", "x", " |  |  | x@C"},
		{"the last tag of what a referrer is about stays", "1=A sbom=E E?A", "1", " |  |  | 1@A"},
		{"what a referrer of a referrer is about stays", "1=A note=F E?A F?E", "1", " |  |  | 1@A"},
		{"the last tag of what is wanted by digest stays", "1=A 2=B", "1 keep@A", " |  |  | 1@A"},
		{"the last tag of an instance of what is wanted by digest stays", "1=B 2=C A>B", "1 keep@A", " |  |  | 1@B"},
		{"a last tag goes if that is wanted, and the manifest stays", "1=A x=B A>B", "x last", "x |  |  | "},

		{"a referrer goes with its subject, and after it", "1=A E?A", "1", "1 | A E | A | "},
		{"a referrer of a referrer goes last", "1=A E?A F?E", "1", "1 | A E F | A | "},
		{"a referrer of an instance goes with that", "1=A A>B E?B", "1", "1 | A B E | A | "},
		{"a referrer of what stays", "1=A 2=B E?A", "2", "2 | B | B | "},
		{"a referrer that has a tag goes with its subject if that goes too", "1=A sbom=E E?A", "1 sbom", "1 sbom | A E | A E | "},

		{"a signature goes with what it signs", "1=A ~A.sig=S", "1", "1 ~A.sig | A S | A S | "},
		{"also if it is not wanted", "1=A ~A.sig=S", "*", "1 ~A.sig | A S | A S | "},
		{"a signature that is wanted no more stays with what it signs", "1=A ~A.sig=S", "* +1", " |  |  | "},
		{"a signature of an instance stays with the index", "1=A A>B ~B.att=S", "* +1", " |  |  | "},
		{"a signature of an instance goes with the index", "1=A A>B ~B.att=S", "1", "1 ~B.att | A B S | A S | "},
		{"a signature of what has another tag", "1=A 2=A ~A.sig=S", "1", "1 |  |  | "},
		{"a signature of what nothing has", "1=A ~Z.sig=S", "* +1", "~Z.sig | S | S | "},
		{"a signature of what nothing has, of which nothing is said", "1=A 2=B ~Z.sig=S", "2", "2 | B | B | "},
		{"a signature that is wanted stays without what it signs", "1=A ~A.sig=S", "* +~A.sig", "1 | A | A | "},
		{"a signature that is named goes alone", "1=A ~A.sig=S", "!~A.sig", "~A.sig | S | S | "},
		{"a signature of an SBOM goes with what the SBOM is about", "1=A ~A.sbom=S ~S.sig=T", "1", "1 ~A.sbom ~S.sig | A S T | A S T | "},
		{"signatures do not keep what they sign", "1=A ~A.att=S S?A", "1", "1 ~A.att | A S | A S | "},
		{"the list of referrers goes with its subject", "1=A ~A=R R>E E?A", "1", "1 ~A | A R E | A R | "},
		{"the list of referrers stays with its subject", "1=A 2=B ~A=R R>E E?A", "* +1", "2 | B | B | "},
		{"the list of referrers does not keep its subject", "1=A ~A=R R>E E?A 2=B", "* +2", "1 ~A | A R E | A R | "},

		{"a digest without a tag", "1=A B?Z", "@B", " | B | B | "},
		{"a digest that a tag names stays", "1=A", "@A", " |  |  | @A"},
		{"a digest that an index lists stays", "1=A A>B", "@B", " |  |  | @B"},
		{"a digest goes with its tag", "1=A A>B 2=C", "1 @A", "1 | A B | A | "},
		{"what no tag leads to is left alone", "1=A 2=B C>D", "1", "1 | A | A | "},
		{"an index about what it lists", "1=A A>B A?B", "1", "1 |"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := summary(Decide(contents(test.has), choice(test.choice)))
			if strings.HasSuffix(test.want, "|") { // it goes in circles: only that there is an end matters
				require.True(t, strings.HasPrefix(got, test.want), got)
				return
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestADecisionSaysWhatNeedsWhatItSpares(t *testing.T) {
	t.Parallel()
	d := Decide(contents("1=A x=B A>B"), choice("x @B"))
	require.Equal(t, []Spared{
		{"x", of("B"), "the last tag of " + of("B").String() + ", which 1 needs"},
		{"", of("B"), "1 needs it"},
	}, d.Spared)
}

// TestNothingThatStaysLosesAnything tries every choice of tags of a repository
// with everything in it.
func TestNothingThatStaysLosesAnything(t *testing.T) {
	t.Parallel()
	c := contents("1=A 2=B x=C y=C z=D A>C,D B>D,E sbom=F F?C G?D ~A.sig=S ~C.att=T ~S.sig=U ~B=R R>H H?B")
	tags := slices.Sorted(maps.Keys(c.Tags))
	for number := range 1 << len(tags) {
		d := Decide(c, Choice{Verdict: func(tag string) Verdict {
			if number>>slices.Index(tags, tag)&1 == 1 {
				return Drop
			}
			return Leave
		}})
		gone := map[digest.Digest]bool{}
		for _, wave := range d.Manifests {
			for _, sum := range wave {
				require.False(t, gone[sum], "deleted twice")
				gone[sum] = true
			}
		}
		for _, tag := range tags {
			goes := slices.Contains(d.Tags, tag)
			require.Equal(t, goes && gone[c.Tags[tag]], goes && !slices.ContainsFunc(tags, func(other string) bool {
				return !slices.Contains(d.Tags, other) && reaches(c, c.Tags[other], c.Tags[tag])
			}), "%d %s: a manifest goes if, and only if, nothing that stays leads to it", number, tag)
			if !goes {
				require.False(t, gone[c.Tags[tag]], "%d %s", number, tag)
				for _, listed := range c.Manifests[c.Tags[tag]].Lists {
					require.False(t, gone[listed], "%d %s", number, tag)
				}
			}
		}
	}
}

// reaches reports whether one manifest consists of another, or is about it.
func reaches(c Contents, from, to digest.Digest) bool {
	m := c.Manifests[from]
	isSignature := slices.ContainsFunc(slices.Collect(maps.Keys(c.Tags)), func(tag string) bool {
		return c.Tags[tag] == from && attachedForm.MatchString(tag)
	})
	return from == to || slices.ContainsFunc(m.Lists, func(d digest.Digest) bool { return !isSignature && reaches(c, d, to) }) ||
		m.Subject != "" && !isSignature && reaches(c, m.Subject, to)
}

func TestTheSameIsAlwaysDecided(t *testing.T) {
	t.Parallel()
	c := contents("1=A 2=B x=C y=C z=D A>C,D B>D,E sbom=F F?C G?D ~A.sig=S ~C.att=T ~S.sig=U ~B=R R>H H?B")
	first := Decide(c, choice("* +2"))
	for range 20 {
		require.Equal(t, first, Decide(c, choice("* +2")))
	}
}

func TestALongDigestIsCutOffInTheTagOfItsReferrers(t *testing.T) {
	t.Parallel()
	long := digest.SHA512.FromString("A")
	tag := attachedName(long)
	require.Len(t, tag, 128)
	c := Contents{
		Tags:      map[string]digest.Digest{"1": long, tag: of("R")},
		Manifests: map[digest.Digest]Manifest{long: {}, of("R"): {}},
	}
	require.Empty(t, Decide(c, choice("* +1")).Tags)
	require.Equal(t, []string{"1", tag}, Decide(c, choice("1")).Tags)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit  string
		losses []loss
		want   string // "": all may go
	}{
		{"10", []loss{{"a", 4, 8}, {"b", 6, 6}}, ""},
		{"9", []loss{{"a", 4, 8}, {"b", 6, 6}}, "10 tags would be deleted, more than --max-delete 9"},
		{"0", []loss{{"a", 0, 8}}, ""},
		{"0", []loss{{"a", 1, 8}}, "1 tags would be deleted"},
		{"50%", []loss{{"a", 4, 8}, {"b", 1, 2}}, ""},
		{"50%", []loss{{"a", 4, 8}, {"b", 2, 3}}, "b would lose 2 of 3 tags, more than --max-delete 50%"},
		{"0%", []loss{{"a", 1, 1000}}, "a would lose 1 of 1000 tags"},
		{"100%", []loss{{"a", 9, 9}}, ""},
		{"0%", []loss{{"a", 0, 0}}, ""},
	} {
		limit, err := ParseLimit(test.limit)
		require.NoError(t, err)
		require.Equal(t, test.limit, limit.String())
		if err := limit.check(test.losses); test.want == "" {
			require.NoError(t, err, test.limit)
		} else {
			require.ErrorContains(t, err, test.want)
		}
	}
	require.NoError(t, Limit{}.check([]loss{{"a", 9, 9}}))
	require.Equal(t, "none", Limit{}.String())
	for _, wrong := range []string{"", "-1", "101%", "%", "half", "1.5", "5 %", "99999999999"} {
		_, err := ParseLimit(wrong)
		require.ErrorContains(t, err, "neither a number nor a percentage", wrong)
	}
}
