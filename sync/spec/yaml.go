package spec

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSize is the size of the largest input that is parsed, in bytes.
const maxSize = 8 << 20

// open parses the file that the reader is named after.
func (r *reader) open() *yaml.Node {
	input, err := os.Open(r.name)
	if err != nil {
		r.unreadable(err)
		return nil
	}
	defer input.Close()
	return r.parse(input)
}

func (r *reader) unreadable(err error) {
	if path := new(fs.PathError); errors.As(err, &path) {
		err = path.Err // the position has the path
	}
	r.refuse(Position{File: r.name}, "%v", err)
}

// all is the whole input; nil if it cannot be read.
func (r *reader) all(input io.Reader) []byte {
	content, err := io.ReadAll(io.LimitReader(input, maxSize+1))
	if err != nil {
		r.unreadable(err)
		return nil
	}
	if len(content) > maxSize {
		r.refuse(Position{File: r.name}, "more than %d MB; write several files", maxSize>>20)
		return nil
	}
	return content
}

// parse gives the root of the only document of input, or nil if that is empty
// or cannot be parsed. A lenient reading takes the first of several, as skopeo
// does, whatever the others are. It does not expand aliases.
func (r *reader) parse(input io.Reader) *yaml.Node {
	content := r.all(input)
	if content == nil {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var root *yaml.Node
	for first := true; ; first = false {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch lenient := r.mode == Lenient && !first; {
		case errors.Is(err, io.EOF):
			return root
		case lenient && (err != nil || !isNull(document.Content[0])):
			r.warn(Position{File: r.name}, "only the first document is read, as skopeo does; write the others to files of their own")
			return root
		case err != nil:
			at, text := syntaxError(content, err)
			at.File = r.name
			r.refuse(at, "not YAML: %s", text)
			return nil
		case isNull(document.Content[0]):
		case first:
			root = document.Content[0]
		default:
			r.refuse(r.at(document.Content[0]), "a second document; write it to a file of its own")
			return nil
		}
	}
}

var (
	syntaxLine    = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.+)' referenced`)
)

// syntaxHints say what is mostly meant where the parser gives up.
var syntaxHints = map[string]string{
	"mapping values are not allowed in this context": "; quote a text that holds \": \", indent the keys of a mapping alike",
	"found character that cannot start any token":    "; indent with spaces, quote a text that begins with @, ` or a tab",
	"did not find expected node content":             "; close each [ and {, put no comma before it",
	"did not find expected ',' or ']'":               "; close the [",
	"did not find expected ',' or '}'":               "; close the {",
	"did not find expected key":                      "; indent the keys of a mapping alike",
}

// syntaxError gives an error of the YAML parser a position. The parser tells a
// line at most, and for an alias without an anchor not even that. The name of
// such an alias is not repeated: it may be a password that begins with "*".
func syntaxError(content []byte, err error) (Position, string) {
	at := Position{Line: 1, Column: 1}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if match := syntaxLine.FindStringSubmatch(text); match != nil {
		at.Line, _ = strconv.Atoi(match[1]) // digits, as the pattern says
		text = text[len(match[0]):]
	}
	if match := unknownAnchor.FindStringSubmatch(text); match != nil {
		if before, _, found := bytes.Cut(content, []byte("*"+match[1])); found {
			at.Line = 1 + bytes.Count(before, []byte("\n"))
			at.Column = len(before) - bytes.LastIndexByte(before, '\n')
		}
		text = "an alias without an anchor before it; quote a text that begins with *"
	}
	return at, text + syntaxHints[text]
}
