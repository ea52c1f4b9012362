package transport

import "strings"

// challenge is one way to authenticate that a server offers.
type challenge struct {
	scheme     string // in lower case
	parameters map[string]string
}

// parseChallenges reads WWW-Authenticate headers (RFC 9110, section 11.6.1):
// challenges separated by commas, each a scheme with parameters that are
// separated by commas as well. What cannot be read is left out.
func parseChallenges(headers []string) []challenge {
	var challenges []challenge
	for _, header := range headers {
		s := scanner{header}
		for {
			s.skip(" \t,")
			word := s.token()
			if word == "" {
				if !s.drop() {
					break
				}
				continue
			}
			s.skip(" \t")
			if !s.accept('=') {
				challenges = append(challenges, challenge{strings.ToLower(word), map[string]string{}})
				continue
			}
			s.skip(" \t")
			if value := s.value(); len(challenges) > 0 {
				challenges[len(challenges)-1].parameters[strings.ToLower(word)] = value
			}
		}
	}
	return challenges
}

// scanner takes a header value apart from the left.
type scanner struct{ rest string }

func (s *scanner) skip(set string) { s.rest = strings.TrimLeft(s.rest, set) }

// drop passes over one byte, and reports whether there was one.
func (s *scanner) drop() bool {
	if s.rest == "" {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) accept(c byte) bool {
	return s.rest != "" && s.rest[0] == c && s.drop()
}

// token takes what RFC 9110, section 5.6.2 calls one.
func (s *scanner) token() string {
	end := strings.IndexFunc(s.rest, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
	if end < 0 {
		end = len(s.rest)
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	return word
}

// value takes a token or a quoted string, whose closing quote may be missing.
// Tokens are taken up to the next comma or space, because realms are URLs that
// some servers do not quote.
func (s *scanner) value() string {
	if !s.accept('"') {
		end := strings.IndexAny(s.rest, ", \t")
		if end < 0 {
			end = len(s.rest)
		}
		value := s.rest[:end]
		s.rest = s.rest[end:]
		return value
	}
	var value strings.Builder
	for s.rest != "" {
		c := s.rest[0]
		s.drop()
		if c == '"' {
			break
		}
		if c == '\\' && s.rest != "" {
			c = s.rest[0]
			s.drop()
		}
		value.WriteByte(c)
	}
	return value.String()
}
