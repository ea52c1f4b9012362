package content

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxEntries bounds what a manifest may list of one kind: images have at most
// 127 layers, and indexes of hundreds of instances are rare.
const maxEntries = 10_000

// bounded is a list of a document, refused while it is decoded where it has too
// many entries: four megabytes of empty ones would take a hundred times as much
// in memory.
type bounded[T any] []T

// UnmarshalJSON decodes a list of at most maxEntries.
func (b *bounded[T]) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	switch opening, err := decoder.Token(); {
	case err != nil:
		return err
	case opening == nil: // null is no list
		return nil
	case opening != json.Delim('['):
		return fmt.Errorf("%.20q is not a list", text)
	}
	*b = nil
	for decoder.More() {
		if len(*b) == maxEntries {
			return fmt.Errorf("it lists more than %d entries", maxEntries)
		}
		var entry T
		if err := decoder.Decode(&entry); err != nil {
			return err
		}
		*b = append(*b, entry)
	}
	return nil
}
