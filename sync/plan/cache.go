package plan

import (
	"github.com/opencontainers/go-digest"

	"csync/sync/memory"
	"csync/sync/report"
)

// Cache remembers what platform filters made of indexes, so that an index that
// has not changed need not be read again, and what conversions made of images, so
// that those are not made again. Losing it costs a request, or a copy, for each.
// A nil *Cache remembers nothing.
type Cache struct{ made *memory.File[entry] }

// entry is what a filter or a conversion made of a source.
type entry struct {
	Source    digest.Digest `json:"source"`
	Digest    digest.Digest `json:"digest"`
	MediaType string        `json:"media_type"`
	Platforms []string      `json:"platforms"`
}

// OpenCache reads the cache in a file, which need not exist. One that cannot be
// understood is begun anew.
func OpenCache(path string) (*Cache, error) {
	made, err := memory.Open[entry](path)
	if err != nil {
		return nil, err
	}
	return &Cache{made}, nil
}

// Save writes the cache, if there is anything new in it, under its name all at
// once.
func (c *Cache) Save() error { return c.made.Save() }

// find is what the filter or the conversion of the step made of its source when
// that was last read.
func (c *Cache) find(step *Step) (entry, bool) {
	if c == nil || !step.remembered() {
		return entry{}, false
	}
	return c.made.Find(cacheKey(step))
}

// keep remembers what was made of the step's source.
func (c *Cache) keep(step *Step, e entry) {
	if c != nil && step.remembered() {
		c.made.Keep(cacheKey(step), e)
	}
}

// Learn remembers what a run has made of the indexes that the plan had not read,
// and of the images that it has converted.
func (c *Cache) Learn(p *Plan) {
	for _, step := range p.Steps {
		if r := step.Result; r.Status == report.Done && r.SourceDigest != "" {
			c.keep(step, entry{Source: r.SourceDigest, Digest: r.Digest, MediaType: r.MediaType, Platforms: r.Platforms})
		}
	}
}

// remembered reports whether another digest is made of the step's source, and
// always the same.
func (s *Step) remembered() bool {
	if s.Format == "" {
		return len(s.Selection.Platforms) > 0 && s.Selection.System == nil && s.keepsDigest()
	}
	return s.keepsDigest()
}

// cacheKey is the source, and what is made of it.
func cacheKey(step *Step) string {
	key := step.Result.Source + step.Selection.Key()
	if step.Format != "" {
		key += " as " + step.Format
	}
	return key
}

func entryOf(f found) entry {
	return entry{Source: f.digest, Digest: f.choice.Digest, MediaType: f.choice.MediaType, Platforms: f.choice.Platforms}
}

// found is the entry as if the source had been read.
func (e entry) found(step *Step) found {
	f := found{digest: e.Source}
	f.choice.MediaType, f.choice.Platforms = e.MediaType, e.Platforms
	if step.Format == "" {
		f.choice.Digest = e.Digest
	} else {
		f.made = e.Digest
	}
	return f
}
