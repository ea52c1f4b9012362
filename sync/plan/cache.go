package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"

	"csync/sync/content"
	"csync/sync/report"
)

// Cache remembers what platform filters made of indexes, so that an index that
// has not changed need not be read again. Losing it costs a request for each.
type Cache struct {
	path string

	mu      sync.Mutex
	entries map[string]entry
	changed bool
}

// maxEntries bounds the cache; beyond, it is begun anew.
const maxEntries = 100_000

// entry is what a filter made of an index.
type entry struct {
	Source    digest.Digest `json:"source"`
	Digest    digest.Digest `json:"digest"`
	Size      int64         `json:"size"`
	MediaType string        `json:"media_type"`
	Platforms []string      `json:"platforms"`
}

// OpenCache reads the cache in a file, which need not exist. One that cannot be
// understood is begun anew.
func OpenCache(path string) (*Cache, error) {
	c := &Cache{path: path, entries: map[string]entry{}}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading cache: %w", err)
	}
	if json.Unmarshal(content, &c.entries) != nil || c.entries == nil {
		c.entries = map[string]entry{}
	}
	return c, nil
}

// Save writes the cache, if there is anything new in it, under its name all at
// once.
func (c *Cache) Save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed {
		return nil
	}
	content, err := json.Marshal(c.entries)
	if err != nil {
		return fmt.Errorf("writing cache: %w", err)
	}
	directory := filepath.Dir(c.path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("writing cache: %w", err)
	}
	file, err := os.CreateTemp(directory, ".cache-*")
	if err != nil {
		return fmt.Errorf("writing cache: %w", err)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), c.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing cache: %w", err), os.Remove(file.Name()))
	}
	return nil
}

// find is what the filter of the step made of its source when that was last
// read.
func (c *Cache) find(step *Step) (entry, bool) {
	if c == nil {
		return entry{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, known := c.entries[cacheKey(step)]
	return e, known
}

// keep remembers what was found.
func (c *Cache) keep(step *Step, f found) {
	if c == nil || f.err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = true
	if len(c.entries) >= maxEntries {
		clear(c.entries)
	}
	c.entries[cacheKey(step)] = entry{
		Source: f.digest, Digest: f.choice.Digest, Size: f.choice.Size, MediaType: f.choice.MediaType, Platforms: f.choice.Platforms,
	}
}

// Learn remembers what a run has made of the indexes that the plan had not read.
func (c *Cache) Learn(p *Plan) {
	for _, step := range p.Steps {
		filtered := len(step.Selection.Platforms) > 0 && step.Selection.System == nil && !keepsNoDigest(step)
		if !filtered || step.Result.Status != report.Done || step.Wanted.Digest == "" {
			continue
		}
		c.keep(step, found{digest: step.Result.SourceDigest, choice: content.Choice{Descriptor: step.Wanted, Platforms: step.Result.Platforms}})
	}
}

// cacheKey is the source and the filter.
func cacheKey(step *Step) string {
	var key strings.Builder
	key.WriteString(step.Result.Source)
	for _, platform := range step.Selection.Platforms {
		key.WriteString(" " + content.PlatformName(platform))
	}
	if step.Selection.AllowMissing {
		key.WriteString(" or fewer")
	}
	return key.String()
}

// found is the entry as if the source had been read, which may not have gone
// well.
func (e entry) found(err error) found {
	f := found{digest: e.Source, err: err}
	f.choice.Digest, f.choice.Size, f.choice.MediaType, f.choice.Platforms = e.Digest, e.Size, e.MediaType, e.Platforms
	return f
}
