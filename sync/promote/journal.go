package promote

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"

	"csync/sync/fault"
)

// journalSchema is what a journal's records are of. Another version may mean
// something else by them.
const journalSchema = "csync.journal/1"

// Journal is a file with what every tag named before a promotion moved it. It is
// only ever added to, a line of JSON at a time, and each line is on disk before
// what it tells of is done. Several promotions may follow each other in it.
type Journal struct {
	path  string
	file  *os.File // nil: nothing was to be written yet
	last  *record  // the last promotion; nil: there is none
	moved *record  // the last that moved anything
	size  int64    // of what was read, in whole lines
}

// record is a promotion in a journal.
type record struct {
	header
	tags []intent
	end  string
}

// header says which promotion the lines after it are of.
type header struct {
	Journal   string        `json:"journal"`
	Promotion digest.Digest `json:"promotion"` // of its registries and label
	Hash      string        `json:"hash"`
	Label     string        `json:"label"`
	Started   time.Time     `json:"started"`
}

// intent is a tag that is about to move.
type intent struct {
	Tag      string        `json:"tag"`
	Previous digest.Digest `json:"previous"` // "": there was no such tag
	Wanted   digest.Digest `json:"wanted"`
}

// How promotions end in a journal.
const (
	ended      = "done" // whether or not its labels have moved
	rolledBack = "rolled-back"
)

// OpenJournal reads a journal, which need not exist. A last line that is cut off
// was never acted upon, and does not count. The error has the kind input where
// the file is no journal, or a newer csync's.
func OpenJournal(path string) (*Journal, error) {
	j := &Journal{path: path}
	return j, j.read()
}

func (j *Journal) read() error {
	content, err := os.ReadFile(j.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.New(fault.Input, fmt.Errorf("reading journal: %w", err))
	}
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	j.size = int64(len(content))
	lines := bufio.NewScanner(bytes.NewReader(content))
	for number := 1; lines.Scan(); number++ {
		if err := j.line(lines.Bytes()); err != nil {
			return fault.New(fault.Input, fmt.Errorf("reading journal: %s:%d: %w", j.path, number, err))
		}
	}
	if err := lines.Err(); err != nil {
		return fault.New(fault.Input, fmt.Errorf("reading journal: %w", err))
	}
	return nil
}

func (j *Journal) line(text []byte) error {
	var line struct {
		header
		intent
		End string `json:"end"`
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return fmt.Errorf("it is no line of a journal: %w", err)
	}
	switch {
	case line.Journal == journalSchema:
		j.last = &record{header: line.header}
	case line.Journal != "":
		return fmt.Errorf("it is of %q, and this csync writes %q", line.Journal, journalSchema)
	case j.last == nil:
		return errors.New("it does not begin with a promotion")
	case line.End != "":
		j.last.end = line.End
	case line.Tag != "":
		j.last.tags = append(j.last.tags, line.intent)
		j.moved = j.last
	default:
		return errors.New("it is no line of a journal")
	}
	return nil
}

// unfinished is the last promotion, if nothing says how it ended.
func (j *Journal) unfinished() *record {
	if j == nil || j.last == nil || j.last.end != "" {
		return nil
	}
	return j.last
}

// undoable is the promotion that a rollback undoes: one that did not come to its
// end, or else the last that moved anything; nil: there is none.
func (j *Journal) undoable() *record {
	if j.unfinished() != nil || j.moved == nil {
		return j.last
	}
	return j.moved
}

// undone writes that a promotion is undone, which need not be the last.
func (j *Journal) undone(r *record) error {
	if r != j.last {
		if err := j.begin(r.header); err != nil {
			return err
		}
		if err := j.intend(r.tags); err != nil {
			return err
		}
	}
	return j.end(rolledBack)
}

// begin writes that a promotion begins.
func (j *Journal) begin(h header) error {
	if err := j.open(); err != nil {
		return err
	}
	j.last = &record{header: h}
	return j.write(h)
}

// open opens the file for writing, for nobody else.
func (j *Journal) open() error {
	if j.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return journalFailure(err)
	}
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return journalFailure(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fault.WithRemedy(fault.Conflict, fmt.Errorf("journal %s: another promotion is using it", j.path),
			"wait for its end, or name another file with --journal"), file.Close())
	}
	j.file = file
	if err := j.cutOff(); err != nil {
		return errors.Join(err, j.Close())
	}
	return nil
}

// cutOff removes a last line that is not whole, and goes to the end.
func (j *Journal) cutOff() error {
	content, err := io.ReadAll(j.file)
	if err != nil {
		return journalFailure(err)
	}
	whole := int64(bytes.LastIndexByte(content, '\n') + 1)
	if whole != j.size {
		return fault.New(fault.Conflict, fmt.Errorf("journal %s: another promotion has used it meanwhile; try again", j.path))
	}
	if err := j.file.Truncate(whole); err != nil {
		return journalFailure(err)
	}
	_, err = j.file.Seek(whole, io.SeekStart)
	return journalFailure(err)
}

// intend writes which tags are about to move.
func (j *Journal) intend(tags []intent) error {
	if j == nil || len(tags) == 0 {
		return nil
	}
	lines := make([]any, len(tags))
	for i, tag := range tags {
		lines[i] = tag
	}
	j.last.tags = append(j.last.tags, tags...)
	j.moved = j.last
	return j.write(lines...)
}

// end writes how the promotion has ended.
func (j *Journal) end(how string) error {
	if j == nil || j.file == nil {
		return nil
	}
	j.last.end = how
	return j.write(struct {
		End string `json:"end"`
	}{how})
}

// write adds lines, and returns when they are on disk.
func (j *Journal) write(lines ...any) error {
	var text bytes.Buffer
	for _, line := range lines {
		if err := json.NewEncoder(&text).Encode(line); err != nil {
			return journalFailure(err)
		}
	}
	if _, err := j.file.Write(text.Bytes()); err != nil {
		return journalFailure(err)
	}
	return journalFailure(j.file.Sync())
}

// Close lets others use the journal.
func (j *Journal) Close() error {
	if j == nil || j.file == nil {
		return nil
	}
	// Closing alone may not do: a program that is just being started has a copy.
	err := errors.Join(syscall.Flock(int(j.file.Fd()), syscall.LOCK_UN), j.file.Close())
	j.file = nil
	return journalFailure(err)
}

func journalFailure(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Input, fmt.Errorf("writing journal: %w", err))
}
