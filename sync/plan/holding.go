package plan

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
	"csync/sync/image"
	"csync/sync/spec"
)

// Holding is what a repository of a destination is to hold of a source file.
type Holding struct {
	// Location is any image of the repository.
	Location image.Location
	Place    image.Place
	Path     string // of the repository, below the place
	// Tags and Digests are all that is wanted there.
	Tags    map[string]bool
	Digests []digest.Digest
	// Mirror says that tags are to be removed which the source has lost.
	Mirror bool
	// Err is why it is not known what is wanted. [ErrNothingSelected] is none that
	// is anybody's fault.
	Err error

	choosing []chooser
}

// chooser is a repository of the source file, with what its tags end with at the
// destination.
type chooser struct {
	spec.Repository
	suffix string
}

// errItself says that there is nothing to compare with.
var errItself = fault.New(fault.Input, errors.New("source and destination are one repository, of which nothing is deleted"))

// Reported reports whether the error of a holding is that of a step as well.
func Reported(err error) bool { return err != nil && !errors.Is(err, errItself) }

// holding is what the place is to hold of a source repository, whose listing may
// have failed.
func (r Request) holding(s source, chosen choice, place image.Place, err error) Holding {
	h := Holding{
		Place: place, Path: r.Naming.path(s.Repository), Tags: map[string]bool{}, Mirror: s.Prune,
		choosing: []chooser{{s.Repository, r.Naming.Suffix}},
	}
	for _, w := range chosen.wanted {
		if w.destinationTag == "" {
			h.Digests = append(h.Digests, w.digest)
			continue
		}
		h.Tags[w.destinationTag+r.Naming.Suffix] = true
	}
	location, failure := place.Location(image.Name{Path: h.Path, Tag: "any"})
	h.Location = location
	switch there, remote := location.Remote(); {
	case err != nil:
		h.Err = err
	case failure != nil:
		h.Err = failure
	case s.NeedsTagList() && chosen.selected == 0, len(chosen.wanted) == 0:
		h.Err = ErrNothingSelected
	case remote && there.Name().Name() == s.Name.Name():
		h.Err = errItself
	}
	return h
}

// Chooses reports whether a tag of the destination may have come from the source
// file: its patterns match it, or it has none. Excluded tags are among them.
func (h *Holding) Chooses(tag string) bool {
	for _, c := range h.choosing {
		name, ours := strings.CutSuffix(tag, c.suffix)
		if ours && (!c.NeedsTagList() || c.Chooses(name)) {
			return true
		}
	}
	return false
}

// merge makes one of the holdings of one repository.
func merge(holdings []Holding) []Holding {
	index := map[string]int{}
	var merged []Holding
	for _, h := range holdings {
		key := h.String()
		at, known := index[key]
		if !known {
			index[key] = len(merged)
			merged = append(merged, h)
			continue
		}
		first := &merged[at]
		maps.Copy(first.Tags, h.Tags)
		first.Digests = append(first.Digests, h.Digests...)
		first.choosing = append(first.choosing, h.choosing...)
		first.Mirror = first.Mirror && h.Mirror
		if first.Err == nil || errors.Is(first.Err, ErrNothingSelected) && h.Err != nil {
			first.Err = h.Err
		}
	}
	return merged
}

// String is the repository as users write it.
func (h *Holding) String() string {
	if there, ok := h.Location.Remote(); ok {
		return "docker://" + there.Name().Name()
	}
	return h.Place.String() + "/" + h.Path
}

// Holdings are what the destinations are to hold. Nothing is compared. The steps
// are of destinations that cannot be.
func Holdings(ctx context.Context, r Request) ([]Holding, []*Step) {
	tasks, problems := r.tasks()
	c := newComparison(r)
	held := make([][]Holding, len(tasks))
	var group sync.WaitGroup
	for i, task := range tasks {
		leave := c.enter(ctx)
		group.Go(func() {
			defer leave()
			_, held[i] = r.list(ctx, task)
		})
	}
	group.Wait()
	return merge(slices.Concat(held...)), append(r.problems(), problems...)
}

// Touches reports whether a step is of the repository.
func (h *Holding) Touches(s *Step) bool {
	rest, there := strings.CutPrefix(s.Result.Destination, h.String())
	return there && (rest == "" || strings.ContainsAny(rest[:1], ":@ "))
}
