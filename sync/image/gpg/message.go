package gpg

import (
	"bytes"
	"strings"
	"unicode"
)

const (
	longestKept    = 64 << 10
	longestMessage = 1 << 10
)

// head keeps the beginning of what is written to it, and takes it all.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	room := max(longestKept-h.Len(), 0)
	_, err := h.Buffer.Write(p[:min(room, len(p))])
	return len(p), err
}

// message is what gpg said, in one line of bounded length, without the
// passphrase wherever that might have come from.
func message(said, passphrase string) string {
	if passphrase != "" {
		said = strings.ReplaceAll(said, passphrase, "***")
	}
	said = strings.Join(strings.FieldsFunc(said, func(r rune) bool { return r == '\n' }), "; ")
	said = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, said)
	if len(said) > longestMessage {
		said = strings.ToValidUTF8(said[:longestMessage], "") + "…"
	}
	return said
}
