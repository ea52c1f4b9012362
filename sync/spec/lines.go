package spec

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"csync/sync/fault"
)

// Word is a word of an input, and where it stands: nowhere, if that is a command
// line.
type Word struct {
	Position
	Text string
}

// Words are those of a command line.
func Words(arguments []string) []Word {
	words := make([]Word, len(arguments))
	for i, argument := range arguments {
		words[i].Text = argument
	}
	return words
}

// LoadLines reads a text file whose lines are each what a command line would
// say, without quotes: words between blanks, up to one that begins with #. Lines
// without any are left out. name is used in positions only. The error is of kind
// input; a file that asks for nothing is one.
func LoadLines(name string, input io.Reader) ([][]Word, error) {
	r := newReader(name, Strict)
	text := r.all(input)
	var lines [][]Word
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if words := wordsOf(line, Position{File: name, Line: number}); len(words) > 0 {
			lines = append(lines, words)
		}
	}
	if len(r.errors) == 0 && len(lines) == 0 {
		r.refuse(Position{File: name}, "nothing is asked for")
	}
	if len(r.errors) > 0 {
		return nil, fault.New(fault.Input, r.errors.sorted())
	}
	return lines, nil
}

// LoadLinesPath reads the file at path as [LoadLines] does.
func LoadLinesPath(path string) ([][]Word, error) {
	input, err := os.Open(path)
	if err != nil {
		r := newReader(path, Strict)
		r.unreadable(err)
		return nil, fault.New(fault.Input, r.errors)
	}
	defer input.Close()
	return LoadLines(path, input)
}

// wordsOf are the words of a line up to a comment.
func wordsOf(line string, at Position) []Word {
	var words []Word
	rest := line
	for word := range strings.FieldsSeq(line) {
		if strings.HasPrefix(word, "#") {
			break
		}
		_, after, _ := strings.Cut(rest, word)
		at.Column = utf8.RuneCountInString(line[:len(line)-len(after)-len(word)]) + 1
		words, rest = append(words, Word{at, word}), after
	}
	return words
}
