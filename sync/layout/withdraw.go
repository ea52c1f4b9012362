package layout

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Withdraw takes the image of a name out of the layout: its entry, what refers to
// nothing else, and the blobs and manifests that no other entry needs.
func (l *Layout) Withdraw(name string) error {
	entries, err := l.Entries()
	if err != nil {
		return err
	}
	named := func(d v1.Descriptor) bool { return Name(d) == name }
	gone := map[string]bool{}
	for _, d := range entries {
		if named(d) {
			l.need(d.Digest, gone)
		}
	}
	left := slices.DeleteFunc(slices.Clone(entries), named)
	needed := l.needed(left)
	leaves := map[digest.Digest]bool{} // what refers to an image that leaves
	for more := true; more; {
		more = false
		for _, d := range left {
			subject := l.subject(d)
			if Name(d) == "" && subject != "" && gone[blobFile(subject)] && !needed[blobFile(subject)] && !leaves[d.Digest] {
				leaves[d.Digest], more = true, true
				l.need(d.Digest, gone)
			}
		}
		needed = l.needed(slices.DeleteFunc(slices.Clone(left), func(d v1.Descriptor) bool { return leaves[d.Digest] && Name(d) == "" }))
	}
	err = l.Remove(func(d v1.Descriptor) bool { return named(d) || Name(d) == "" && leaves[d.Digest] })
	if err != nil {
		return err
	}
	return l.removeUnneeded(gone, needed)
}

// needed are the files that entries need.
func (l *Layout) needed(entries []v1.Descriptor) map[string]bool {
	needed := map[string]bool{}
	for _, d := range entries {
		l.need(d.Digest, needed)
	}
	return needed
}

func (l *Layout) removeUnneeded(gone, needed map[string]bool) error {
	var failed error
	for name := range gone {
		if needed[name] {
			continue
		}
		if err := os.Remove(filepath.Join(l.path, filepath.FromSlash(name))); err != nil && !os.IsNotExist(err) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
