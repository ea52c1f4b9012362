package prune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"csync/sync/fault"
	"csync/sync/report"
)

// fake is a shelf in memory that has what contents reads. Manifests that only a
// referrer's subject or an index tells of are there as well.
type fake struct {
	collects bool
	refuses  map[string]error       // by tag or digest: what asking for it answers
	before   func(what, ref string) // sees each request first

	mu     sync.Mutex
	has    Contents
	absent map[digest.Digest]bool // listed by an index, and not there
	asked  []string
}

func newFake(text string) *fake {
	return &fake{has: contents(text), refuses: map[string]error{}, absent: map[digest.Digest]bool{}}
}

func (f *fake) Reference(identifier string) string { return "shelf:" + identifier }
func (f *fake) Collects() bool                     { return f.collects }

func (f *fake) ask(what, ref string) error {
	if f.before != nil {
		f.before(what, ref)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	name := shown(ref)
	if d, err := digest.Parse(ref); err == nil {
		name = named(d)
	}
	f.asked = append(f.asked, what+" "+name)
	return f.refuses[what+" "+name]
}

func (f *fake) Tags(context.Context) ([]string, error) {
	err := f.ask("list", "tags")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.has.Tags)), err
}

func (f *fake) resolve(ref string) (digest.Digest, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d, err := digest.Parse(ref); err == nil {
		if _, there := f.has.Manifests[d]; there && !f.absent[d] {
			return d, nil
		}
	} else if d, there := f.has.Tags[ref]; there {
		return d, nil
	}
	return "", fault.New(fault.NotFound, errors.New("not there"))
}

func (f *fake) Resolve(ctx context.Context, ref string) (digest.Digest, error) {
	if err := ctx.Err(); err != nil {
		return "", fault.New(fault.Cancelled, err)
	}
	if err := f.ask("resolve", ref); err != nil {
		return "", err
	}
	return f.resolve(ref)
}

func (f *fake) Read(_ context.Context, ref string) (Entry, error) {
	if err := f.ask("read", ref); err != nil {
		return Entry{}, err
	}
	d, err := f.resolve(ref)
	f.mu.Lock()
	defer f.mu.Unlock()
	entry := Entry{Digest: d, Manifest: f.has.Manifests[d]}
	for _, listed := range entry.Lists {
		if len(f.has.Manifests[listed].Lists) > 0 {
			entry.Indexes = append(entry.Indexes, listed)
		}
	}
	return entry, err
}

func (f *fake) Referrers(_ context.Context, d digest.Digest) ([]digest.Digest, error) {
	err := f.ask("referrers", d.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []digest.Digest
	for sum, m := range f.has.Manifests {
		if m.Subject == d {
			found = append(found, sum)
		}
	}
	return found, err
}

func (f *fake) DeleteTag(_ context.Context, tag string) error {
	err := f.ask("delete", tag)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		delete(f.has.Tags, tag)
	}
	return err
}

func (f *fake) DeleteManifest(_ context.Context, d digest.Digest) error {
	if f.collects {
		return nil
	}
	err := f.ask("delete", d.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		delete(f.has.Manifests, d)
		maps.DeleteFunc(f.has.Tags, func(_ string, named digest.Digest) bool { return named == d })
	}
	return err
}

// deletions are what was deleted, in its order.
func (f *fake) deletions() string {
	var all []string
	for _, request := range f.asked {
		if what, ok := strings.CutPrefix(request, "delete "); ok {
			all = append(all, what)
		}
	}
	return strings.Join(all, " ")
}

// left are the tags that are still there.
func (f *fake) left() string {
	var tags []string
	for tag := range f.has.Tags {
		tags = append(tags, shown(tag))
	}
	slices.Sort(tags)
	return strings.Join(tags, " ")
}

// prune does what a choice says, one request after another, and sums the results
// up.
func (f *fake) prune(text string, change ...func(*Job)) string {
	j := Job{Cuts: []Cut{{Shelf: f, Name: "shelf", Choice: choice(text)}}, Jobs: 1}
	for _, c := range change {
		c(&j)
	}
	return outcomes(j.Run(context.Background()))
}

func outcomes(results []report.Result) string {
	var all []string
	for _, r := range results {
		name := strings.TrimPrefix(r.Destination, "shelf:")
		if d, err := digest.Parse(name); err == nil {
			name = "@" + named(d)
		}
		all = append(all, fmt.Sprintf("%s %s", shown(name), r.Status))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestWhatGoesIsDeletedInItsOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ has, choice, deletions, left, want string }{
		{"1=A 2=B", "1", "A", "2", "1 done"},
		{"1=A 2=A", "1", "1", "2", "1 done"},
		{"1=A A>B B>C 2=D", "1", "A B C", "2", "1 done, @B done, @C done"},
		{"1=A E?A F?E 2=D", "1", "A E F", "2", "1 done, @E done, @F done"},
		{"1=A ~A.sig=S 2=D", "1", "A S", "2", "1 done, ~A.sig done"},
		{"1=A 2=D A>C D>E,B E>C", "1", "A", "2", "1 done"},
		{"1=A 2=B", "keep@A 1", "", "1 2", "1 skipped"},
		{"1=C 2=B A>C", "keep@A 1", "", "1 2", "1 skipped"},
		{"1=A C>D 2=B", "@C", "C D", "1 2", "@C done, @D done"},
		{"1=A 2=B C>Z ~C.sig=S", "* +1 +2", "", "1 2 ~C.sig", ""},
		{"1=A ~Z.sig=S", "* +1", "S", "1", "~Z.sig done"},
		{"1=A", "+1", "", "1", ""},
	} {
		f := newFake(test.has)
		require.Equal(t, test.want, f.prune(test.choice), test.has)
		require.Equal(t, test.deletions, f.deletions(), test.has)
		require.Equal(t, test.left, f.left(), test.has)
	}
}

func TestNobodyIsAskedAboutTagsWhereNothingGoes(t *testing.T) {
	t.Parallel()
	f := newFake("1=A 2=B")
	require.Empty(t, f.prune("+1"))
	require.Equal(t, []string{"list tags"}, f.asked)
}

func TestAnInstanceThatIsNotThereHasNoResult(t *testing.T) {
	t.Parallel()
	f := newFake("1=A A>B,C")
	f.absent[of("B")] = true
	require.Equal(t, "1 done, @C done", f.prune("1"))
}

func TestATagThatIsListedAndNamesNothingIsLeftAlone(t *testing.T) {
	t.Parallel()
	f := newFake("1=A 2=B 3=C")
	f.refuses["read 2"] = fault.New(fault.NotFound, errors.New("not there"))
	require.Equal(t, "1 done", f.prune("1 2"))
	require.Equal(t, "2 3", f.left())
}

func TestWhatCannotBeReadStopsEverything(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"list tags", "read 2", "read B", "referrers A", "resolve C"} {
		f := newFake("1=A A>C 2=D D>B B>Z")
		f.refuses[request] = fault.New(fault.Network, errors.New("no answer"))
		require.Equal(t, "shelf failed", f.prune("1"), request)
		require.Empty(t, f.deletions(), request)
	}
}

func TestAShelfThatCollectsIsAskedForTagsOnly(t *testing.T) {
	t.Parallel()
	f := newFake("1=A A>B,C 2=D ~A.sig=S")
	f.collects = true
	require.Equal(t, "1 done, ~A.sig done", f.prune("1"))
	require.Equal(t, "1 ~A.sig", f.deletions())
}

func TestATagThatIsLeftBehindByItsManifestIsDeleted(t *testing.T) {
	t.Parallel()
	f := newFake("1=A 2=B")
	f.before = func(what, ref string) {
		if what == "delete" && ref == of("A").String() {
			f.mu.Lock()
			f.has.Tags["1"] = of("B") // as at a registry that keeps tags without manifests
			f.mu.Unlock()
		}
	}
	require.Equal(t, "1 done", f.prune("1"))
	require.Equal(t, "A 1", f.deletions())
}

func TestWhatIsListedBesidesIsLookedAfter(t *testing.T) {
	t.Parallel()
	f := newFake("1=A 2=D A>B,C D>C")
	f.before = func(what, ref string) {
		if what == "delete" && ref == of("A").String() { // a registry that deletes what an index lists
			f.mu.Lock()
			delete(f.has.Manifests, of("C"))
			f.mu.Unlock()
		}
	}
	require.Equal(t, "1 done, @B done, @C failed", f.prune("1"))
}

func TestWhatIsAboutSomethingStaysWhereThatCannotBeDeleted(t *testing.T) {
	t.Parallel()
	f := newFake("1=A A>B,C ~A.sig=S ~C.att=T 2=D D>C 3=E E>F")
	f.refuses["delete A"] = fault.New(fault.Denied, errors.New("no"))
	require.Equal(t, "1 failed, 3 done, @B failed, @F done, ~A.sig failed", f.prune("1 3"))
	require.Equal(t, "A E F", f.deletions())

	f = newFake("1=A 2=A ~A.sig=S 3=B")
	f.refuses["delete 1"] = fault.New(fault.Denied, errors.New("no"))
	require.Equal(t, "1 failed, 3 done", f.prune("1 3"), "a tag of what stays holds nothing up")
}

func TestWhatSomebodyWritesMeanwhileIsNotDeleted(t *testing.T) {
	t.Parallel()
	f, lists := newFake("1=A 2=B 3=C"), 0
	f.before = func(what, _ string) {
		if what == "list" {
			if lists++; lists == 2 {
				f.has.Tags["new"] = of("A")
			}
		}
	}
	require.Equal(t, "1 failed", f.prune("1"))
	require.Empty(t, f.deletions())

	f = newFake("1=A 2=B 3=C")
	f.before = func(what, ref string) {
		if what == "resolve" && ref == "1" {
			f.has.Tags["1"] = of("C")
		}
	}
	require.Equal(t, "1 failed, 2 done", f.prune("1 2"))
	require.Equal(t, "B", f.deletions())

	f, lists = newFake("label=A old=B"), 0
	f.before = func(what, _ string) {
		if what == "list" {
			if lists++; lists == 2 {
				f.has.Tags["label"] = of("B") // as a rollback does
			}
		}
	}
	require.Equal(t, "old failed", f.prune("old"))
	require.Empty(t, f.deletions())
}

func TestAnInterruptionLeavesNothingUnverified(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	f := newFake("1=A 2=B 3=C A>D")
	f.before = func(what, _ string) {
		if what == "delete" {
			stop()
		}
	}
	results := Job{Cuts: []Cut{{Shelf: f, Name: "shelf", Choice: choice("1 2")}}, Jobs: 1}.Run(ctx)
	require.Equal(t, "1 done, 2 failed, @D failed", outcomes(results))
	for _, r := range results {
		require.Equal(t, r.Status == report.Done, r.Verified)
		require.Equal(t, r.Status == report.Failed, r.Error != nil && r.Error.Kind == fault.Cancelled)
	}

	f = newFake("1=A")
	for _, dry := range []bool{false, true} {
		require.Equal(t, "1 failed", outcomes(Job{Cuts: []Cut{{Shelf: f, Name: "shelf", Choice: choice("1")}}, DryRun: dry}.Run(ctx)))
	}
	require.Empty(t, f.deletions())
}

func TestOneShelfThatWouldLoseTooMuchStopsAll(t *testing.T) {
	t.Parallel()
	one, other := newFake("1=A A>B 2=C"), newFake("1=A 2=B 3=C 4=D")
	limit, err := ParseLimit("50%")
	require.NoError(t, err)
	got := one.prune("1", func(j *Job) {
		j.Limit = limit
		j.Cuts = append(j.Cuts, Cut{Shelf: other, Name: "other", Choice: choice("* +1")})
	})
	require.Equal(t, "1 failed, 2 failed, 3 failed, 4 failed, @B skipped", got)
	require.Empty(t, one.deletions()+other.deletions())
}

func TestWhatIsNamedHasAResultInAnyCase(t *testing.T) {
	t.Parallel()
	named := func(j *Job) { j.Cuts[0].Named = []string{"1", "none", of("B").String(), "1"} }
	f := newFake("1=A 2=C C>A D>B")
	require.Equal(t, "1 failed, @B failed, none unchanged", f.prune("!1 @B", named, func(j *Job) {
		j.Limit, _ = ParseLimit("100%")
		f.refuses["delete B"] = fault.New(fault.Denied, errors.New("no"))
	}))
	require.Equal(t, "1 failed, @B failed, none unchanged", newFake("1=A 2=C C>A B?Z").prune("!1 @B", named, func(j *Job) { j.KeepDigests = true }))
}

func TestAnErrorOfACutIsAFailureUnlessItIsIdle(t *testing.T) {
	t.Parallel()
	f := newFake("1=A")
	failing := func(j *Job) { j.Cuts[0].Err = errors.New("not known") }
	require.Equal(t, "shelf failed", f.prune("1", failing))
	require.Equal(t, "shelf skipped", f.prune("1", failing, func(j *Job) { j.Cuts[0].Idle = true }))
	require.Empty(t, f.asked)
}

func TestAReleaseStaysAsAWholeWhileALabelNamesAnyOfIt(t *testing.T) {
	t.Parallel()
	release := func(tag string) string {
		if name, _, ok := strings.Cut(tag, "-"); ok && len(name) == 1 {
			return name
		}
		return ""
	}
	for _, test := range []struct{ has, choice, want string }{
		{"a-1=A a-2=B b-1=C label=B", "a-1 a-2 b-1", "b-1 | C | C | a-1@A a-2@B"},
		{"a-1=A a-2=B b-1=C label=B", "a-1 a-2 b-1 label", "a-1 a-2 b-1 label | A,B,C | A B C | "},
		{"a-1=A a-2=B label=B", "a-1 a-2 last", "a-1 a-2 | A | A | "},
		{"a-1=A b-1=A", "a-1", "a-1 |  |  | "},
		{"a-1=A ~A.sig=A", "a-1", "a-1 |  |  | "},
	} {
		c := choice(test.choice)
		c.Release = release
		require.Equal(t, test.want, summary(Decide(contents(test.has), c)), test.has)
	}
}
