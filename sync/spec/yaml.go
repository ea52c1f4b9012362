package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"csync/sync/fault"

	"go.yaml.in/yaml/v3"
)

// maxSize is the size of the largest input that is parsed, in bytes.
const maxSize = 8 << 20

// readAll reads an input of at most maxSize.
func readAll(name string, input io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(input, maxSize+1))
	if err != nil {
		return nil, fault.New(fault.Input, fmt.Errorf("reading %s: %w", name, err))
	}
	if len(content) > maxSize {
		text := fmt.Sprintf("more than %d MB; write several files", maxSize>>20)
		return nil, fault.New(fault.Input, Problems{{Position{File: name}, text}})
	}
	return content, nil
}

// parse gives the root of the only document of content, or nil if that is
// empty. It does not expand aliases.
func (r *reader) parse(content []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var root *yaml.Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			at, text := syntaxError(content, err)
			at.File = r.name
			r.refuse(at, "not YAML: %s", text)
			return nil
		}
		switch next := document.Content[0]; {
		case isNull(next):
		case root == nil:
			root = next
		default:
			r.refuse(r.at(next), "a second document; write it to a file of its own")
			return nil
		}
	}
}

var (
	syntaxLine    = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.+)' referenced`)
)

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
	return at, text
}
